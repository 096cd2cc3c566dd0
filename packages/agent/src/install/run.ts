export async function runInstall(_verb: string, _args: readonly string[], _own: string): Promise<number> { return 0 }
