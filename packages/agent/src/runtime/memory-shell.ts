// The shell of the memory runtime: repeats every line, knows `exit <code>` and `size`, and thereby stands in for a real one.
import type { ExecOptions, ExecSession } from './runtime.ts'

export class MemoryShell implements ExecSession {
  readonly #waiting: Uint8Array[] = []
  #wake = () => {}
  #line = ''
  #size: { columns: number; rows: number }
  #exitCode: number | undefined
  readonly output: AsyncIterable<Uint8Array>

  constructor({ command, columns = 80, rows = 24 }: ExecOptions) {
    this.#size = { columns, rows }
    this.output = this.#read()
    this.#say(`${command.join(' ')}\n`)
  }

  async exitCode(): Promise<number> {
    return this.#exitCode ?? 129
  }

  async write(bytes: Uint8Array): Promise<void> {
    const lines = (this.#line + Buffer.from(bytes).toString('utf8')).split(/\r?\n|\r/)
    this.#line = (lines.pop() ?? '').slice(-4096)
    for (const line of lines) this.#run(line)
  }

  async resize(columns: number, rows: number): Promise<void> {
    this.#size = { columns, rows }
  }

  close(): void {
    this.#end(129)
  }

  #run(line: string): void {
    const code = /^exit(?: (\d{1,3}))?$/.exec(line)
    if (code) this.#end(Number(code[1] ?? 0))
    else this.#say(line === 'size' ? `${this.#size.rows} ${this.#size.columns}\n` : `${line}\n`)
  }

  #say(text: string): void {
    if (this.#exitCode !== undefined) return
    this.#waiting.push(Buffer.from(text))
    this.#wake()
  }

  #end(code: number): void {
    this.#exitCode ??= code
    this.#wake()
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      yield* this.#waiting.splice(0)
      if (this.#waiting.length > 0) continue
      if (this.#exitCode !== undefined) return
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}
