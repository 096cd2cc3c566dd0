// `npm start` and `npm start -- --once`: sets the clone up with nothing but Node, then hands over to start/main.ts.
import { root, setup } from './setup.mjs'

try {
  await setup((line) => console.log(line))
} catch (error) {
  console.error(error.message)
  process.exit(1)
}
const { register } = await import('tsx/esm/api')
register()
const { main } = await import('./start/main.ts')
process.exit(await main(process.argv.slice(2), root))
