import { type Command, Option } from 'commander'
import { ReprefixError } from '../../shared/errors.ts'
import { renderTable } from '../../shared/terminal.ts'
import {
  type HostView,
  hostsViewSchema,
  hostViewSchema,
  type InvitationView,
  invitationViewSchema,
} from '../web/host-view.ts'
import {
  type AdminOptions,
  createAdminClient,
  decodeAnswer,
  withAdminOptions,
} from './admin-client.ts'
import type { Terminal } from './terminal.ts'

const SOURCE_CHECKS: Readonly<Record<string, string>> = {
  off: 'reports may come from anywhere',
  warn: 'reports from outside the reported prefix are logged as a warning',
  require: 'reports must come from inside the reported prefix',
}

const STALE: Readonly<Record<string, string>> = {
  expired: 'the prefix it reported is no longer valid; its records stay, look at that machine',
  silent: 'it has reported nothing for long; its records stay, see whether it lives',
}

interface PolicyOptions {
  readonly name?: readonly string[]
  readonly prefix?: readonly string[]
  readonly type?: readonly string[]
  readonly shortestPrefix?: string
  readonly maxDeletions?: string
  readonly sourceCheck?: string
  readonly reportsPerHour?: string
  readonly shared?: readonly string[]
  readonly value?: readonly string[]
  readonly minTtl?: string
  readonly maxTtl?: string
}
type Options = AdminOptions & PolicyOptions & { readonly json?: boolean }

/** `reprefix host …`: the operator's side of the fleet. */
export function completeHost(host: Command, terminal: Terminal): void {
  withPolicyOptions(command(host, 'add <host>', 'add a host and make its one-time join string'))
    .addHelpText('after', '\nExample: reprefix host add home --name www.example.org')
    .action(async (name: string, options: Options) => {
      if (options.name === undefined) {
        throw new ReprefixError(
          'USAGE',
          'say what it may claim, for example --name www.example.org',
        )
      }
      const body = { host: name, policy: policyOf(options) }
      const answer = await createAdminClient(options).send('POST', '/v1/admin/hosts', body)
      const invited = decodeAnswer(invitationViewSchema, answer)
      terminal.out(options.json === true ? JSON.stringify(invited) : renderInvited(invited))
    })

  command(host, 'list', 'all hosts, with their last report').action(async (options: Options) => {
    const { hosts } = decodeAnswer(
      hostsViewSchema,
      await createAdminClient(options).get('/v1/admin/hosts'),
    )
    if (options.json === true) for (const item of hosts) terminal.out(JSON.stringify(item))
    else terminal.out(renderList(hosts))
  })

  command(host, 'show <host>', 'one host: policy, key and claim').action(
    async (name: string, options: Options) => {
      const view = decodeAnswer(hostViewSchema, await createAdminClient(options).get(pathOf(name)))
      terminal.out(options.json === true ? JSON.stringify(view) : renderHost(view))
    },
  )

  withPolicyOptions(
    command(host, 'policy <host>', 'replace parts of a policy, from the next report on'),
  ).action(async (name: string, options: Options) => {
    const change = policyOf(options)
    if (Object.keys(change).length === 0) {
      throw new ReprefixError('USAGE', 'say what to change, for example --name www.example.org')
    }
    const answer = await createAdminClient(options).send('PATCH', pathOf(name), change)
    const view = decodeAnswer(hostViewSchema, answer)
    terminal.out(options.json === true ? JSON.stringify(view) : renderHost(view))
  })

  command(host, 'revoke <host>', 'take away its key; its records stay as they are').action(
    async (name: string, options: Options) => {
      const answer = await createAdminClient(options).send('POST', `${pathOf(name)}/revoke`)
      const view = decodeAnswer(hostViewSchema, answer)
      const text = `${view.host} is revoked: its reports are refused, its records stay as they are.`
      terminal.out(options.json === true ? JSON.stringify(view) : text)
    },
  )
}

function command(parent: Command, usage: string, description: string): Command {
  return withAdminOptions(parent.command(usage).description(description)).option(
    '--json',
    'print JSON, one object a line',
  )
}

function withPolicyOptions(target: Command): Command {
  const collect = (value: string, before: readonly string[] = []) => [...before, value]
  return target
    .option('--name <name>', 'a name it may claim, or *.zone for all below; repeatable', collect)
    .option('--prefix <range>', 'a range its prefix must lie in; repeatable (2000::/3)', collect)
    .option('--type <type>', 'A or AAAA; repeatable (AAAA)', collect)
    .option('--shortest-prefix <length>', 'smallest prefix length it may report (48)')
    .option('--max-deletions <count>', 'how many records one report may withdraw (8)')
    .addOption(
      new Option(
        '--source-check <what>',
        'must reports come from inside the prefix they report? (off)',
      ).choices(['off', 'warn', 'require']),
    )
    .option('--reports-per-hour <count>', 'how many reports it may send in an hour (600)')
    .option('--shared <name>', 'a name that other hosts may claim too; repeatable', collect)
    .option('--value <range>', 'a range for values outside its prefix; repeatable', collect)
    .option('--min-ttl <seconds>', 'the smallest TTL of its records (1)')
    .option('--max-ttl <seconds>', 'the largest TTL of its records (86400)')
}

function policyOf(options: PolicyOptions): Record<string, unknown> {
  const { name, prefix, type, shortestPrefix, maxDeletions, sourceCheck, reportsPerHour } = options
  const policy = {
    names: name,
    prefixes: prefix,
    types: type?.map((text) => text.toUpperCase()),
    shortestPrefix: wholeNumber(shortestPrefix, '--shortest-prefix'),
    maxDeletions: wholeNumber(maxDeletions, '--max-deletions'),
    sourceCheck,
    reportsPerHour: wholeNumber(reportsPerHour, '--reports-per-hour'),
    shared: options.shared,
    values: options.value,
    minTtl: wholeNumber(options.minTtl, '--min-ttl'),
    maxTtl: wholeNumber(options.maxTtl, '--max-ttl'),
  }
  return Object.fromEntries(Object.entries(policy).filter(([, value]) => value !== undefined))
}

function wholeNumber(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,7}$/.test(text)) return Number(text)
  throw new ReprefixError('USAGE', `${option} takes a whole number, not ${JSON.stringify(text)}`)
}

function pathOf(name: string): string {
  return `/v1/admin/hosts/${encodeURIComponent(name)}`
}

function renderInvited(invited: InvitationView): string {
  return [
    `${invited.host} is added. On that machine, as root, once, before ${invited.expiresAt}:`,
    '',
    `  reprefix-agent enroll ${invited.join}`,
    '',
    'The join string holds a secret. It works once; whoever uses it first is the host.',
  ].join('\n')
}

function renderList(hosts: readonly HostView[]): string {
  if (hosts.length === 0) return 'There is no host yet; "reprefix host add" adds one.'
  const rows = hosts.map(({ host, status, lastReport, stale, claim }) => [
    host,
    stale === null ? status : `stale (${stale.reason})`,
    lastReport?.prefix ?? '-',
    lastReport?.at ?? '-',
    String(claim.length),
  ])
  return renderTable(['HOST', 'STATUS', 'PREFIX', 'LAST REPORT', 'RECORDS'], rows)
}

function renderHost(view: HostView): string {
  const { host, status, policy, addedAt, key, lastReport, stale, claim } = view
  const rows: [string, string][] = [
    ['host', host],
    ['status', `${status}, added ${addedAt}`],
    ['key', key === null ? '-' : `${key.kid}, enrolled ${key.enrolledAt}`],
    ['names', policy.names.join(' ')],
    ['shared', policy.shared.join(' ') || '-'],
    ['types', policy.types.join(' ')],
    ['prefixes', `${policy.prefixes.join(' ')}, /${policy.shortestPrefix} or longer`],
    ['values', ['its prefix', ...policy.values].join(' ')],
    ['TTL', `of the zone, from ${policy.minTtl} to ${policy.maxTtl} s`],
    ['deletions', `at most ${policy.maxDeletions} in one report`],
    ['rate', `at most ${policy.reportsPerHour} reports an hour`],
    ['source', SOURCE_CHECKS[policy.sourceCheck] ?? policy.sourceCheck],
    [
      'last report',
      lastReport === null
        ? '-'
        : `${lastReport.at}, ${lastReport.prefix}, agent ${lastReport.agent}, log entry ${lastReport.index}`,
    ],
    [
      'stale',
      stale === null ? 'no' : `since ${stale.since}: ${STALE[stale.reason] ?? stale.reason}`,
    ],
    ['claims', claim.map(({ name, type }) => `${name} ${type}`).join(', ') || '-'],
  ]
  return rows.map(([label, text]) => `${label.padEnd(12)} ${text}`).join('\n')
}
