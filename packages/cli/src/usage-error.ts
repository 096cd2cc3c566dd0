// A command line that cannot be understood; the message says what to write instead. Exit code 2.
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The first sentence of what parseArgs says, which may hold dots of its own, and what helps where it says no more. */
export function spokenFault(error: unknown): string {
  const [sentence = ''] = (error as Error).message.split(/\.(?:\s|$)/)
  const option = /^Option '(--[^ ']+).*' argument is ambiguous$/.exec(sentence)?.[1]
  return option === undefined ? `${sentence}.` : `${option} needs a value; one that begins with a dash is written ${option}=-1.`
}
