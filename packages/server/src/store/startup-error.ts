// The error of a store that cannot be opened. Its message is one sentence for the operator, printed without a stack.
export class StartupError extends Error {
  override readonly name = 'StartupError'
}
