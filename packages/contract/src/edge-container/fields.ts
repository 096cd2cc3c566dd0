// Fields that several operations of the family share, each with the one rule it has everywhere.
import Type from 'typebox'
import type { FaultName } from '../errors.ts'

/** Text that is one of these words in any letter case; clients of different ages spell them differently. */
export function anyCase(words: readonly string[], options: { description: string; default?: string; examples?: string[] }) {
  const letters = (word: string) => word.replace(/[a-z]/gi, (letter) => `[${letter.toLowerCase()}${letter.toUpperCase()}]`)
  return Type.String({ pattern: `^(${words.map(letters).join('|')})$`, examples: [...words], ...options })
}

const appId = (fault: FaultName) =>
  Type.String({ minLength: 20, maxLength: 64, pattern: '^app-[0-9]+$', fault, description: 'Id of the application.' })

export const AppId = appId('InvalidParameter.appid')
/** For the operations whose fault is spelt with a capital letter: image secrets and reservations. */
export const AppIdOfCapitalFault = appId('InvalidParameter.Appid')

export const VersionId = Type.String({
  minLength: 20,
  maxLength: 64,
  pattern: '^ver-[0-9]+$',
  fault: 'InvalidParameter.VersionId',
  description: 'Id of a version of the application.',
})

export const Port = (description: string) => Type.Integer({ minimum: 1, maximum: 65535, description })

export const Remarks = Type.String({ maxLength: 1024, default: '', description: 'A note in free text.' })

export const Environment = (description: string) => Type.Enum(['prod', 'staging'], { fault: 'InvalidParameter.PublishEnv', description })

/** A time in an answer; UTC to the second. It is left out until it has happened. */
export const Time = (description: string) => Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}Z$', description })

const times = ['CreateTime', 'UpdateTime', 'ModifyTime']
const ofTimes = 'What to sort by, in any letter case; ModifyTime is another word for UpdateTime. Without it the newest come first.'

export const OrderKey = anyCase(['Name', ...times], { description: ofTimes })

/** Of what has no name. */
export const TimeOrderKey = anyCase(times, { description: ofTimes })

export const OrderType = anyCase(['ASC', 'DESC'], {
  description: 'Direction of OrderKey, in any letter case: ASC or DESC. Without it names ascend and times descend.',
})

export const PageNumber = Type.Integer({ minimum: 1, maximum: 65535, default: 1, description: 'Which page, counted from 1.' })

export const PageSize = (maximum: number) =>
  Type.Integer({ minimum: 1, maximum, default: 20, description: `Entries per page, at most ${maximum}.` })

export const SearchKey = Type.String({ maxLength: 256, description: 'Text that the field named by SearchType must contain.' })

/** The head of a list's answer. */
export const Page = {
  PageNumber: Type.Integer({ description: 'The page that was returned.' }),
  PageSize: Type.Integer({ description: 'The page size that was used.' }),
}

export const TotalCount = Type.Integer({ description: 'How many entries there are on all pages.' })

/** Id of a site; a JSON number, hence below 2^53. */
export const SiteId = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'Id of the site.' })

/** A domain; its form is checked by server/src/domain/domain-name.ts. */
export const DomainName = (description: string) => Type.String({ minLength: 1, maxLength: 1024, description })

/** How a list is filtered by a domain. */
export const MatchMode = (description: string) => Type.Enum(['fuzzy', 'prefix', 'suffix', 'exact'], { default: 'exact', description })
