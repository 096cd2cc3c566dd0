// What a terminal runs: the better shell where the image has it.
export const shell: readonly string[] = ['/bin/sh', '-c', 'command -v bash >/dev/null 2>&1 && exec bash; exec sh']
