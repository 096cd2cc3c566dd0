// One command line, start to end. Returns the exit code: 0 done, 1 the server said no or is not there, 2 not understood.
import { parseArgs } from 'node:util'
import { CallError, createClient } from './client.ts'
import { commands } from './commands.ts'
import { families, findOperation } from './families.ts'
import { describeCall, parseCall } from './parameters.ts'
import { profileOptions, readProfile } from './profile.ts'
import { spokenFault, UsageError } from './usage-error.ts'

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where a server's data folder is looked for when nothing else is named. */
  readonly cwd: string
  readonly out: (text: string) => void
  readonly err: (text: string) => void
}

export async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    await dispatch(args, surroundings)
    return 0
  } catch (error) {
    if (error instanceof UsageError) {
      surroundings.err(error.message)
      return 2
    }
    if (!(error instanceof CallError)) throw error
    surroundings.err(`${error.code}: ${error.message}${error.requestId === '' ? '' : `\nRequest id: ${error.requestId}`}`)
    return 1
  }
}

async function dispatch([verb, ...rest]: readonly string[], surroundings: Surroundings): Promise<void> {
  const { out } = surroundings
  if (verb === undefined || verb === 'help' || isHelp(verb)) return out(help())
  if (verb === 'operations') return out(operationList())
  if (verb === 'call') return callOperation(rest, surroundings)
  const command = commands[verb]
  if (command === undefined) throw new UsageError(`littoral knows no ${verb}; see littoral --help.`)
  const line = `littoral ${verb} ${command.usage}`.trimEnd()
  if (rest.some(isHelp)) return out(`${line}\n  ${command.summary}`)
  const { words, flags } = parse(rest, command.options ?? {}, line)
  const [least, most] = command.words
  if (words.length < least || words.length > most) throw new UsageError(`Write: ${line}`)
  const profile = readProfile(flags, surroundings)
  await command.run({ client: createClient(profile), endpoint: profile.endpoint, print: out }, words, flags)
}

function isHelp(word: string): boolean {
  return word === '--help' || word === '-h'
}

async function callOperation(args: readonly string[], surroundings: Surroundings): Promise<void> {
  const { out } = surroundings
  const [name = '', ...rest] = args
  if (isHelp(name)) return out(help())
  const found = findOperation(name)
  if (found === undefined) throw new UsageError(`There is no operation ${name || '(none named)'}; littoral operations lists them.`)
  if (rest.some(isHelp)) return out(describeCall(found.operation))
  const { input, flags } = parseCall(found.operation, rest)
  const answer = await createClient(readProfile(flags, surroundings)).call(found.operation, input)
  out(JSON.stringify(answer, null, 2))
}

function parse(args: readonly string[], options: NonNullable<Parameters<typeof parseArgs>[0]>['options'] & {}, line: string) {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: { ...options, ...profileOptions }, allowPositionals: true })
    const flags = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]))
    return { words: positionals, flags }
  } catch (error) {
    throw new UsageError(`${spokenFault(error)} Write: ${line}`)
  }
}

function operationList(): string {
  return families
    .map((family) => {
      const names = Object.values(family.operations).map(({ action, summary }) => `  ${action}\n      ${summary}`)
      return [`${family.title} (${family.product} ${family.version})`, ...names].join('\n')
    })
    .join('\n\n')
}

function help(): string {
  const verbs = Object.entries(commands).map(([verb, { usage, summary }]) => `  ${`${verb} ${usage}`.trimEnd()}\n      ${summary}`)
  return [
    'littoral <command>',
    '',
    '  serve\n      run the server; littoral serve --help lists its settings',
    '  agent --server <url> --token <token> --data <folder>\n      run the agent on this machine, which becomes a node',
    '  up [--data <folder>] [--listen <host:port>]\n      run a server and an agent together on this machine',
    ...verbs,
    "  call <Operation> [--<Parameter> <value> …] [--json '{…}']\n      call any operation; the answer is printed as JSON",
    '  operations\n      list every operation; littoral call <Operation> --help shows one',
    '',
    'Which server: --endpoint <url>, --access-key-id <id>, --access-key-secret <secret>, or --data <folder of the server>.',
    'Also LITTORAL_ENDPOINT, LITTORAL_ACCESS_KEY_ID, LITTORAL_ACCESS_KEY_SECRET, LITTORAL_DATA, ~/.config/littoral/profile.json.',
  ].join('\n')
}
