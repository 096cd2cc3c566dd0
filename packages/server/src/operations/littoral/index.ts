// The handlers of Littoral's own family; http/registry.ts pairs them with the family's declarations.
export { handlers } from './nodes.ts'
