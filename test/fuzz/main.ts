import { Command, InvalidArgumentError } from 'commander'
import { fuzz } from './fuzz.ts'
import { allDecoders, seedOf, shareOf } from './table.ts'

interface Flags {
  readonly seed?: number
  readonly cases: number
  readonly only?: string
}

function toCount(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError('a whole number.')
  return Number(text)
}

const program = new Command('npm run fuzz --')
  .description('Feeds every decoder of untrusted input with inputs that are nearly valid.')
  .option('--seed <number>', 'repeats the run that printed this seed', toCount)
  .option('--cases <number>', 'how many inputs in all', toCount, 1_000_000)
  .option('--only <name>', 'only decoders whose name holds this')
const flags = program.parse().opts<Flags>()
const seed = flags.seed ?? Math.floor(Math.random() * 2 ** 31)

const all = await allDecoders()
const casesOf = shareOf(all, flags.cases)
const decoders = all.filter(({ name }) => name.includes(flags.only ?? ''))
console.log(`seed ${seed}: ${flags.cases} cases for ${all.length} decoders`)
const startedAt = performance.now()
let [total, failed] = [0, 0]
for (const decoder of decoders) {
  const from = performance.now()
  const { cases, accepted, slowestMs, failure } = await fuzz(
    decoder,
    casesOf(decoder),
    seedOf(seed, decoder),
  )
  total += cases
  const seconds = (performance.now() - from) / 1000
  const percent = `${Math.round((100 * accepted) / cases)} % decoded`
  console.log(
    `${failure === undefined ? 'ok' : 'FAILED'}  ${decoder.name.padEnd(27)} ${String(cases).padStart(7)} cases` +
      `  ${percent.padStart(13)}  slowest ${slowestMs.toFixed(0).padStart(4)} ms  ${seconds.toFixed(1)} s`,
  )
  if (failure === undefined) continue
  failed++
  console.log(
    `  ${failure}\n  again: npm run fuzz -- --seed ${seed} --cases ${flags.cases} --only '${decoder.name}'`,
  )
}
const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1)
console.log(
  `${total} cases in ${minutes} min, seed ${seed}: ${failed === 0 ? 'all hold' : `${failed} FAILED`}`,
)
process.exitCode = failed === 0 ? 0 : 1
