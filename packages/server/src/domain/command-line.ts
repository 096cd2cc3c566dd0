// Splitting a command line as it is written in a container (Command, Args, hooks, exec probes) into its words. There is
// no shell and no expansion; only quotes keep words together (contract: esa-edge-container §6.2).
import { Fault } from '@littoral/contract/errors'

/** What a node accepts per command (contract/node/desired-state.ts). */
const maxWords = 256

/**
 * The words of a command line. Blanks separate, single and double quotes keep together and are removed. A backslash makes the
 * next character plain where that character would mean something: a blank, a quote or a backslash outside quotes, a double
 * quote or a backslash inside double quotes; anywhere else it is an ordinary character, as it is everywhere inside single
 * quotes. Throws InvalidParameter naming `where` for an open quote, a NUL character and too many words.
 */
export function splitCommandLine(text: string, where: string): string[] {
  if (text.includes('\0')) throw new Fault('InvalidParameter', { Detail: `${where}: a NUL character is not allowed.` })
  const words: string[] = []
  let word: string | undefined
  let quote: '"' | "'" | undefined
  for (let at = 0; at < text.length; at++) {
    const letter = text[at] as string
    const next = text[at + 1]
    if (letter === '\\' && next !== undefined && isEscapable(next, quote)) {
      word = (word ?? '') + next
      at++
    } else if (quote === undefined && (letter === '"' || letter === "'")) {
      quote = letter
      word ??= ''
    } else if (letter === quote) {
      quote = undefined
    } else if (quote === undefined && isBlank(letter)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else {
      word = (word ?? '') + letter
    }
  }
  if (quote !== undefined) throw new Fault('InvalidParameter', { Detail: `${where}: a ${quote} is opened and not closed.` })
  if (word !== undefined) words.push(word)
  if (words.length > maxWords) throw new Fault('InvalidParameter', { Detail: `${where}: more than ${maxWords} words.` })
  return words
}

/** Throws what splitCommandLine would; on the hot path, where nobody wants the words yet. */
export function requireCommandLine(text: string, where: string): void {
  // Without any of these, and with fewer characters than there may be words, nothing can be wrong.
  const isPlain = text.length <= maxWords && !/["'\\\0]/.test(text)
  if (!isPlain) splitCommandLine(text, where)
}

/**
 * The command of a hook: a command line, or `{"exec":{"command":[…]}}`. An empty text and `{}` mean no hook. Throws
 * InvalidParameter naming `where`.
 */
export function parseHook(text: string, where: string): string[] | undefined {
  const trimmed = text.trim()
  if (trimmed === '') return undefined
  if (!trimmed.startsWith('{')) return nonEmpty(splitCommandLine(text, where))
  const command = execCommand(trimmed)
  if (command === 'malformed') {
    throw new Fault('InvalidParameter', { Detail: `${where}: neither a command line nor {"exec":{"command":["…"]}}.` })
  }
  if (command?.some((word) => word.includes('\0')))
    throw new Fault('InvalidParameter', { Detail: `${where}: a NUL character is not allowed.` })
  if (command !== undefined && command.length > maxWords) {
    throw new Fault('InvalidParameter', { Detail: `${where}: more than ${maxWords} words.` })
  }
  return command
}

function execCommand(json: string): string[] | undefined | 'malformed' {
  let hook: unknown
  try {
    hook = JSON.parse(json)
  } catch {
    return 'malformed'
  }
  if (typeof hook !== 'object' || hook === null) return 'malformed'
  if (Object.keys(hook).length === 0) return undefined
  const command = (hook as { exec?: { command?: unknown } }).exec?.command
  const isCommand = Array.isArray(command) && command.length > 0 && command.every((word) => typeof word === 'string')
  return isCommand && Object.keys(hook).length === 1 ? (command as string[]) : 'malformed'
}

/** Undefined for no words: an empty text means that nothing was asked for. */
export function nonEmpty<T>(words: T[]): T[] | undefined {
  return words.length === 0 ? undefined : words
}

function isBlank(letter: string): boolean {
  return letter === ' ' || letter === '\t' || letter === '\n' || letter === '\r'
}

function isEscapable(next: string, quote: '"' | "'" | undefined): boolean {
  if (quote === "'") return false
  return next === '\\' || next === '"' || (quote === undefined && (next === "'" || isBlank(next)))
}
