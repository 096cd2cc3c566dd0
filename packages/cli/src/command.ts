// What a verb is, and how the words after it become values.
import type { ParseArgsConfig } from 'node:util'
import type { Client } from './client.ts'
import { UsageError } from './usage-error.ts'

export interface Terminal {
  readonly client: Client
  readonly endpoint: string
  readonly print: (text: string) => void
}

export interface Command {
  /** What follows the verb. */
  readonly usage: string
  readonly summary: string
  /** How many words it takes, at least and at most. */
  readonly words: readonly [least: number, most: number]
  readonly options?: NonNullable<ParseArgsConfig['options']>
  run(terminal: Terminal, words: readonly string[], flags: Readonly<Record<string, string | undefined>>): Promise<void>
}

export const environments = ['staging', 'prod'] as const

export function toEnvironment(text: string | undefined): 'staging' | 'prod' {
  const found = environments.find((environment) => environment === text)
  if (found === undefined) throw new UsageError(`--env must be staging or prod, not ${text}.`)
  return found
}

export function toCount(flag: string, text: string | undefined): number {
  if (!/^[1-9]\d{0,8}$/.test(text ?? '')) throw new UsageError(`${flag} must be a whole number from 1, not ${text}.`)
  return Number(text)
}
