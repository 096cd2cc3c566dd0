// What `npm start` shows: one line per step with its time, a sign of life on the long ones, plain text when the output is
// no terminal.

export interface Screen {
  heading(text: string): void
  line(text: string): void
  /** Shows the step while it runs, then its outcome. `say` changes the text behind it. */
  step<T>(title: string, work: (say: (detail: string) => void) => Promise<T>): Promise<T>
}

const signOfLifeMs = 5000
const titleWidth = 44

export function openScreen(out: NodeJS.WriteStream = process.stdout): Screen {
  const bold = (text: string) => (out.isTTY ? `\u001b[1m${text}\u001b[0m` : text)
  return {
    heading: (text) => out.write(`\n${bold(text)}\n`),
    line: (text) => out.write(`${text}\n`),
    step: (title, work) => runStep(out, title, work),
  }
}

async function runStep<T>(out: NodeJS.WriteStream, title: string, work: (say: (detail: string) => void) => Promise<T>): Promise<T> {
  const startedAt = Date.now()
  let detail = ''
  const show = () => {
    const text = `  … ${title.padEnd(titleWidth)} ${seconds(startedAt)}  ${detail}`
    if (out.isTTY) out.write(`\r\u001b[2K${text.slice(0, Math.max(20, (out.columns ?? 100) - 1))}`)
    else out.write(`${text}\n`)
  }
  const beat = setInterval(show, out.isTTY ? 200 : signOfLifeMs)
  const end = (mark: string, text: string) => {
    clearInterval(beat)
    out.write(`${out.isTTY ? '\r\u001b[2K' : ''}  ${mark} ${title.padEnd(titleWidth)} ${seconds(startedAt)}  ${text}`.trimEnd() + '\n')
  }
  try {
    const result = await work((text) => (detail = text))
    end('✓', detail)
    return result
  } catch (error) {
    end('✗', sentence(error))
    throw error
  }
}

function seconds(startedAt: number): string {
  return `${((Date.now() - startedAt) / 1000).toFixed(1)} s`.padStart(7)
}

/** An error as one line a person can act on. */
export function sentence(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string }
  const text = (message ?? String(error)).split('\n')[0] ?? ''
  return code && !text.includes(code) ? `${code}: ${text}` : text
}
