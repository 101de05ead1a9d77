import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '../shared/errors.ts'
import { lintObstacle, networkObstacle } from './infra/cdk/tools.ts'
import { installPackages } from './lab/install.ts'
import {
  LAB_PACKAGES,
  labObstacle,
  missingPackages,
  SERVER_PACKAGES,
  SERVICE_PACKAGES,
  TEST_PACKAGES,
  VECTOR_PACKAGES,
} from './lab/packages.ts'
import { systemdObstacle } from './lab/systemd.ts'

// `npm test`: installs what the real parts need where it may, runs everything that this machine
// allows, and says at the end what was not run.

interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** The last numbers of vitest's JSON report. */
interface VitestReport {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numFailedTestSuites: number
}

/** Each package once, by the command that it is known by. */
const REAL_PARTS = [
  ...new Map(
    [LAB_PACKAGES, TEST_PACKAGES, SERVER_PACKAGES, SERVICE_PACKAGES, VECTOR_PACKAGES]
      .flat()
      .map((each) => [each.command, each]),
  ).values(),
]

function heading(text: string): void {
  console.log(`\n── ${text} ${'─'.repeat(Math.max(0, 76 - text.length))}`)
}

function run(program: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit' })
    // The terminal sends the signal to the child too, which tidies up first.
    const wait = () => {}
    process.on('SIGINT', wait)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      process.off('SIGINT', wait)
      resolve(signal ? 1 : (code ?? 1))
    })
  })
}

async function runVitest(project: string): Promise<Counts> {
  const directory = await mkdtemp(join(tmpdir(), 'reprefix-test-'))
  try {
    const outputFile = join(directory, 'report.json')
    const code = await run('node_modules/.bin/vitest', [
      'run',
      `--project=${project}`,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${outputFile}`,
    ])
    const report: VitestReport = JSON.parse(await readFile(outputFile, 'utf8'))
    const broken = report.numFailedTests === 0 && code !== 0 ? 1 : 0
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests + broken,
      skipped: report.numPendingTests,
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function install(): Promise<void> {
  const missing = missingPackages(REAL_PARTS)
  if (missing.length === 0) return
  const names = missing.map((each) => each.package).join(' ')
  if (process.argv.includes('--no-install')) return
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) return
  heading(`installing for the real parts: ${names}`)
  for (const each of missing) console.log(`  ${each.package.padEnd(16)} ${each.why}`)
  try {
    await installPackages(missing, (line) => {
      if (/^(Setting up|Err:|E:)/.test(line)) console.log(`  ${line}`)
    })
  } catch (error) {
    console.log(`  ${messageOf(error)}`)
  }
}

await install()
const counts: Counts[] = []
const notRun: string[] = []

heading('format, lint, layers')
const lint = await run('node_modules/.bin/biome', ['ci', '--error-on-warnings', '.'])
heading('types')
const types = await run('node_modules/.bin/tsc', ['--noEmit'])
heading('unit and contract')
counts.push(await runVitest('unit'))
heading('every byte, every call, every fault')
counts.push(await runVitest('exhaustive'))
heading('the test vectors, by another implementation')
if (missingPackages(VECTOR_PACKAGES).length === 0) counts.push(await runVitest('vectors'))
else notRun.push('the check of the test vectors in Python: the Debian package python3 is missing')
heading('real stores')
counts.push(await runVitest('stores'))
for (const [name, what] of [
  ['@dynoxide/linux-x64', 'the store on DynamoDB'],
  ['@tursodatabase/cli-linux-x64-gnu', 'the store on a libsql server'],
] as const) {
  if (!existsSync(`node_modules/${name}`))
    notRun.push(`${what}: the npm package ${name} is missing`)
}
heading('the cloud on Node, Workers and Lambda')
counts.push(await runVitest('runtimes'))
heading('what is deployed')
counts.push(await runVitest('infra'))
for (const obstacle of [networkObstacle, lintObstacle]) {
  if (obstacle !== undefined) notRun.push(`the templates of infra/cdk:${obstacle}`)
}
heading('real DNS servers')
counts.push(await runVitest('servers'))
for (const { package: name, command, why } of missingPackages(SERVER_PACKAGES)) {
  notRun.push(`tests with ${command}, ${why}: the Debian package ${name} is missing`)
}
heading('a home network')
const obstacle = labObstacle(TEST_PACKAGES)
if (obstacle === undefined) {
  counts.push(await runVitest('lab'))
  const missing = systemdObstacle()
  if (missing !== undefined) notRun.push(`the agent under systemd: ${missing}`)
} else notRun.push(`lab (router, Docker, ndppd, ip6tables, DNS, cloud, agent): ${obstacle}`)

const sum = (key: keyof Counts) => counts.reduce((total, each) => total + each[key], 0)
const isGood = lint === 0 && types === 0 && sum('failed') === 0
heading(isGood ? 'passed' : 'FAILED')
if (lint !== 0) console.log('format, lint or layers: see above; npm run format mends formatting')
if (types !== 0) console.log('types: see above')
for (const each of notRun) console.log(`NOT RUN: ${each}`)
console.log(`${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`)
process.exitCode = isGood ? 0 : 1
