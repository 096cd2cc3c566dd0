import { benchDrivers } from './drivers.ts'
import { print } from './report.ts'
print(await benchDrivers(process.argv.includes('--quick')))
