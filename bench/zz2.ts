import { benchCount } from './drivers.ts'
import { print } from './report.ts'
print([await benchCount(Number(process.argv[2]), Number(process.argv[3]))])
