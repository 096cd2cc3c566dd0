// Fields that several operations of this family share.
import Type from 'typebox'

export const Time = (description: string) => Type.String({ maxLength: 32, description: `${description}; ISO 8601, UTC.` })
export const NodeId = Type.String({ minLength: 1, maxLength: 64, description: 'The node, as ListNodes names it.' })
