import type { Command } from 'commander'
import { createProgress } from '../../shared/terminal.ts'
import { nodeSha256 } from '../log/node-sha256.ts'
import { type Verification, verifyLog } from '../log/verify-log.ts'
import { type AdminOptions, createAdminClient, withAdminOptions } from './admin-client.ts'
import { type LogOptions, printLog } from './audit-log.ts'
import { type NewKeyOptions, newKey } from './audit-new-key.ts'
import { type ProveOptions, parseKeys, prove } from './audit-prove.ts'
import { readCloudLines, readFileLines } from './audit-source.ts'
import type { Terminal } from './terminal.ts'

interface VerifyOptions extends AdminOptions {
  readonly file?: string
  readonly key?: readonly string[]
  readonly json?: boolean
}

/** `reprefix audit …`: what was logged, and whether it can be believed. */
export function completeAudit(audit: Command, terminal: Terminal): void {
  const collect = (value: string, before: readonly string[] = []) => [...before, value]
  withAdminOptions(audit.command('log').description('what happened, oldest first'))
    .option('--host <host>', 'only entries of this host')
    .option('--name <name>', 'only entries about this DNS name, and which report set its records')
    .option('--kind <kind>', 'only entries of this kind; repeatable', collect)
    .option(
      '--since <time>',
      'only entries from this time on, like 2026-01-31 or 2026-01-31T12:00Z',
    )
    .option('--until <time>', 'only entries before this time')
    .option('--limit <count>', 'only the newest ones that match')
    .option('--file <path>', 'an export to read instead of a cloud (- for standard input)')
    .option('--json', 'print JSON, one entry a line')
    .action((options: LogOptions) => printLog(options, terminal))

  withAdminOptions(
    audit.command('export').description('the whole log as NDJSON on standard output'),
  ).action(async (options: AdminOptions) => {
    for await (const line of readCloudLines(createAdminClient(options))) terminal.out(line)
  })

  withAdminOptions(
    audit
      .command('prove <index>')
      .description('the proof that an entry is in the log (tlog-proof)'),
  )
    .option('--file <path>', 'an export to prove it from offline (- for standard input)')
    .option('--key <vkey>', "the log's public key as it was pinned; repeatable", collect)
    .option('--out <path>', 'write the proof to a file')
    .option('--json', 'print JSON: the entry, its proof and what it was verified against')
    .action((index: string, options: ProveOptions) => prove(index, options, terminal))

  withAdminOptions(audit.command('verify').description('recheck every entry, signature and proof'))
    .option('--file <path>', 'an export to verify offline (- for standard input)')
    .option('--key <vkey>', "the log's public key as it was pinned; repeatable", collect)
    .option('--json', 'print JSON: one object a finding, then a summary')
    .action((options: VerifyOptions) => verify(options, terminal))

  audit
    .command('new-key')
    .description('make a key that signs a log, for runtimes that keep no files')
    .option('--url <url>', 'the public URL of the cloud it is for (or REPREFIX_URL)')
    .option('--json', 'print JSON: the key and its public key')
    .action((options: NewKeyOptions) => newKey(options, terminal))
}

async function verify(options: VerifyOptions, terminal: Terminal): Promise<void> {
  const vkeys = options.key ?? []
  await parseKeys(vkeys)
  const lines =
    options.file === undefined
      ? readCloudLines(createAdminClient(options))
      : readFileLines(options.file)
  const progress = createProgress('verified entries:', terminal.isTty)
  const result = await verifyLog(lines, {
    vkeys,
    onProgress: progress.show,
    sha256: nodeSha256,
  })
  progress.clear()
  if (options.json === true) printJson(result, terminal)
  else printVerdict(result, terminal)
  if (!result.ok) process.exitCode = 1
}

function printJson({ findings, ...summary }: Verification, terminal: Terminal): void {
  for (const finding of findings) terminal.out(JSON.stringify({ kind: 'finding', ...finding }))
  const count = findings.length + summary.more
  const { ok, entries, witnessed, vkey, isKeyFromLog } = summary
  terminal.out(
    JSON.stringify({
      kind: 'summary',
      ok,
      entries,
      findings: count,
      witnessed,
      vkey,
      isKeyFromLog,
    }),
  )
}

function printVerdict(result: Verification, terminal: Terminal): void {
  for (const { index, message } of result.findings) {
    terminal.out(`${index === null ? 'log' : `entry ${index}`}: ${message}`)
  }
  if (result.more > 0) terminal.out(`and ${result.more} more`)
  if (result.ok) {
    terminal.out(
      `${result.entries} entries are intact: signatures, order, tree and ${result.witnessed} witness claims agree.`,
    )
  }
  if (result.isKeyFromLog && result.vkey !== null) {
    terminal.out(
      `The key was taken from the log itself; give the one that your hosts pinned: --key ${result.vkey}`,
    )
  }
}
