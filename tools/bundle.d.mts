// Types of bundle.mjs, which is plain JavaScript because npm run build needs it before anything is compiled.
export function bundleAgent(options?: { readonly out?: string; readonly version?: string }): Promise<string>
