import type { Command } from 'commander'
import { parseVkey } from '../../shared/checkpoint.ts'
import { parseEntry } from '../../shared/entry.ts'
import { messageOf, ReprefixError } from '../../shared/errors.ts'
import { parseName } from '../../shared/rrset.ts'
import { createProgress, renderTable } from '../../shared/terminal.ts'
import { nodeSha256 } from '../log/node-sha256.ts'
import { type Verification, verifyLog } from '../log/verify-log.ts'
import { type AdminOptions, createAdminClient, withAdminOptions } from './admin-client.ts'
import { readCloudLines, readEntries, readFileLines } from './audit-source.ts'
import { namesOf, summaryOf } from './entry-text.ts'
import type { Terminal } from './terminal.ts'

interface LogOptions extends AdminOptions {
  readonly host?: string
  readonly name?: string
  readonly since?: string
  readonly json?: boolean
}

interface VerifyOptions extends AdminOptions {
  readonly file?: string
  readonly key?: string
  readonly json?: boolean
}

/** `reprefix audit …`: what was logged, and whether it can be believed. */
export function addAuditCommands(program: Command, terminal: Terminal): void {
  const audit = program.command('audit').description('the audit log: read, export, verify')

  withAdminOptions(audit.command('log').description('what happened, oldest first'))
    .option('--host <host>', 'only entries of this host')
    .option('--name <name>', 'only entries about this DNS name')
    .option(
      '--since <time>',
      'only entries from this time on, like 2026-01-31 or 2026-01-31T12:00Z',
    )
    .option('--json', 'print JSON, one entry a line')
    .action((options: LogOptions) => printLog(options, terminal))

  withAdminOptions(
    audit.command('export').description('the whole log as NDJSON on standard output'),
  ).action(async (options: AdminOptions) => {
    for await (const line of readCloudLines(createAdminClient(options))) terminal.out(line)
  })

  withAdminOptions(audit.command('verify').description('recheck every entry, signature and proof'))
    .option('--file <path>', 'an export to verify offline (- for standard input)')
    .option('--key <vkey>', "the log's public key as it was pinned")
    .option('--json', 'print JSON: one object a finding, then a summary')
    .action((options: VerifyOptions) => verify(options, terminal))
}

async function printLog(options: LogOptions, terminal: Terminal): Promise<void> {
  const since = options.since === undefined ? undefined : parseTime(options.since)
  const name = options.name === undefined ? undefined : parseName(options.name)
  const rows: string[][] = []
  for await (const { index, entry: text } of readEntries(
    readCloudLines(createAdminClient(options)),
  )) {
    const entry = parseEntry(text)
    const host = 'host' in entry ? entry.host : '-'
    if (options.host !== undefined && host !== options.host) continue
    if (since !== undefined && Date.parse(entry.at) < since) continue
    if (name !== undefined && !namesOf(entry).includes(name)) continue
    if (options.json === true) terminal.out(JSON.stringify({ kind: 'entry', index, entry }))
    else rows.push([String(index), entry.at, entry.kind, host, summaryOf(entry)])
  }
  if (options.json !== true) {
    terminal.out(
      rows.length === 0
        ? 'No entry matches.'
        : renderTable(['ENTRY', 'TIME', 'KIND', 'HOST', 'WHAT'], rows),
    )
  }
}

async function verify(options: VerifyOptions, terminal: Terminal): Promise<void> {
  if (options.key !== undefined) await checkKey(options.key)
  const lines =
    options.file === undefined
      ? readCloudLines(createAdminClient(options))
      : readFileLines(options.file)
  const progress = createProgress('verified entries:', terminal.isTty)
  const pinned = options.key === undefined ? {} : { vkey: options.key }
  const result = await verifyLog(lines, {
    ...pinned,
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

async function checkKey(vkey: string): Promise<void> {
  try {
    await parseVkey(vkey)
  } catch (cause) {
    throw new ReprefixError('USAGE', `--key: ${messageOf(cause)}`, { cause })
  }
}

function parseTime(text: string): number {
  const time = Date.parse(text)
  if (!Number.isNaN(time)) return time
  throw new ReprefixError('USAGE', `--since takes a time like 2026-01-31T12:00Z, not ${text}`)
}
