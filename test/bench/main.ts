import { Command, InvalidArgumentError, Option } from 'commander'
import { messageOf } from '../../shared/errors.ts'
import { installPackages } from '../lab/install.ts'
import {
  BENCH_PACKAGES,
  LAB_PACKAGES,
  labObstacle,
  missingPackages,
  SERVER_PACKAGES,
} from '../lab/packages.ts'
import { agentBench } from './agent.ts'
import type { Bench, BenchResult } from './bench.ts'
import { dnsBench } from './dns/dns-bench.ts'
import { renumberBench } from './renumber.ts'
import { cloudBench } from './reports/cloud-bench.ts'
import { createSaving } from './saving.ts'
import { serverlessBench } from './serverless/serverless-bench.ts'
import { renderTable } from './table.ts'

const BENCHES: readonly Bench[] = [agentBench, renumberBench, cloudBench, dnsBench, serverlessBench]

interface Flags {
  readonly json?: true
  readonly quick?: true
  readonly install?: true
  readonly runs?: number
  readonly containers?: readonly number[]
  readonly ways?: readonly string[]
  readonly save?: string
}

function toCount(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new InvalidArgumentError('a number from 1 to 999.')
  return Number(text)
}

function toSizes(text: string): readonly number[] {
  const sizes = text.split(',').map(toCount)
  // Each container has an address and two ports of its own in the lab.
  if (sizes.some((size) => size > 100)) throw new InvalidArgumentError('at most 100 containers.')
  return sizes
}

/** Why this bench cannot run here, in one line, or `undefined`; installs what is missing if asked. */
async function obstacleOf(bench: Bench, flags: Flags): Promise<string | undefined> {
  if (bench.needs === undefined) return undefined
  const isLab = bench.needs !== 'servers'
  const needed = { lab: [], 'lab and others': BENCH_PACKAGES, servers: SERVER_PACKAGES }[
    bench.needs
  ]
  if (flags.install && process.getuid?.() === 0) {
    // One after the other: before Debian 13 Docker's command line comes with Docker.
    for (const group of isLab ? [LAB_PACKAGES, needed] : [needed]) {
      const missing = missingPackages(group)
      if (missing.length > 0) await installPackages(missing, () => {})
    }
  }
  const missing = missingPackages(needed).map((each) => each.package)
  const names = missing.join(' ')
  return (
    (isLab ? labObstacle() : undefined) ??
    (missing.length === 0
      ? undefined
      : `Debian packages are missing: ${names} (--install, or apt-get install ${names})`)
  )
}

function print(result: BenchResult, isJson: boolean): void {
  if (isJson) {
    const line = (value: unknown): void => console.log(JSON.stringify(value))
    for (const { title, rows } of result.tables) {
      for (const row of rows) line({ kind: 'row', table: title, ...row })
    }
    line({ kind: 'summary', targets: result.targets })
    return
  }
  for (const { title, rows } of result.tables) console.log(`\n${title}\n${renderTable(rows)}`)
  if (result.targets.length === 0) return
  const rows = result.targets.map((each) => ({ ...each, ok: each.ok ? 'ok' : 'NO' }))
  console.log(`\n${renderTable(rows)}`)
}

const program: Command = new Command('bench')
  .description('Measures, side by side in one run.')
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .argument('<name>', `one of: ${BENCHES.map(({ name }) => name).join(', ')}`)
  .option('--json', 'one JSON object a line, the last one the summary')
  .option('--quick', 'less of everything: a first impression in two minutes')
  .option('--install', 'install missing Debian packages, starting none of their services')
  .option(
    '--runs <n>',
    'renumberings of each size; turns of the cloud bench; moves of the dns bench',
    toCount,
  )
  .option('--containers <n,...>', 'numbers of containers', toSizes)
  .addOption(
    new Option('--ways <name,...>', 'only these of what is compared').argParser((text: string) =>
      text.split(','),
    ),
  )
  .option('--save <directory>', 'write the results there, as JSON and as a picture')
  .addHelpText('after', `\n${BENCHES.map((b) => `  ${b.name.padEnd(12)}${b.summary}`).join('\n')}`)
  .action(async (name: string, flags: Flags) => {
    const refuse = (why: string): never => program.error(`bench: ${why}`, { exitCode: 2 })
    const bench =
      BENCHES.find((candidate) => candidate.name === name) ??
      refuse(`there is no bench "${name}"; there are: ${BENCHES.map((b) => b.name).join(', ')}`)
    const known = bench.ways ?? []
    const unknown = flags.ways?.find((way) => !known.includes(way))
    if (unknown !== undefined) {
      refuse(`${name} has no way "${unknown}"; it has: ${known.join(', ') || 'none'}`)
    }
    const obstacle = await obstacleOf(bench, flags)
    if (obstacle !== undefined) refuse(obstacle)
    const { runs, containers, ways } = flags
    const saving = flags.save === undefined ? undefined : createSaving(flags.save)
    const result = await bench.run({
      isQuick: flags.quick ?? false,
      ...(runs === undefined ? {} : { runs }),
      ...(containers === undefined ? {} : { containers }),
      ...(ways === undefined ? {} : { ways }),
      onProgress: (line) =>
        flags.json ? console.log(JSON.stringify({ kind: 'progress', line })) : console.error(line),
      ...(saving === undefined ? {} : { onPart: saving.part }),
    })
    print(result, flags.json ?? false)
    for (const path of (await saving?.whole(result.files ?? [])) ?? []) {
      console.error(`saved ${path}`)
    }
    if (result.targets.some(({ ok }) => !ok)) process.exitCode = 1
  })

try {
  await program.parseAsync()
} catch (error) {
  console.error(`bench: ${messageOf(error)}`)
  process.exitCode = 1
}
