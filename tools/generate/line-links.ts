// Keeps the line numbers of links such as [`planRollout`](../packages/…/rollout.ts#L39) right in hand-written pages: a link
// leads to the line that declares what it names. Part of `npm run generate`.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const link = /\[`([^`]+)`\]\(([^)#\s]+)#L\d+\)/g

/** The page's text with every line number as it should be. Throws when a link names something that its file lacks. */
export function withFreshLines(root: string, page: string): string {
  return readFileSync(join(root, page), 'utf8').replace(link, (_all, name: string, target: string) => {
    const line = declarationLine(readFileSync(join(root, dirname(page), target), 'utf8'), name)
    if (line === undefined) throw new Error(`${page} names ${name}, which ${target} does not declare`)
    return `[\`${name}\`](${target}#L${line})`
  })
}

function declarationLine(text: string, name: string): number | undefined {
  const lines = text.split('\n')
  const declares = new RegExp(
    `^(export )?(async )?(abstract )?(function\\*?|const|class|interface|type) ${name}\\b|^  (async )?${name}[<(]`,
  )
  const index = lines.findIndex((line) => declares.test(line))
  return index < 0 ? undefined : index + 1
}
