import type { Command } from 'commander'
import { printable, renderTable } from '../../shared/terminal.ts'
import { listProviders, PROVIDER_HEADER, renderProvider } from '../dns/provider-table.ts'
import {
  type CheckedRRset,
  type CheckView,
  checkViewSchema,
  type PlanView,
  planViewSchema,
  type ServedView,
} from '../web/dns-view.ts'
import {
  type AdminOptions,
  createAdminClient,
  decodeAnswer,
  withAdminOptions,
} from './admin-client.ts'
import type { Terminal } from './terminal.ts'

type Options = AdminOptions & { readonly zone?: string; readonly json?: boolean }

/** The command line's answer to "is there something to do?". */
const EXIT_DIFFERS = 3

/** `reprefix dns …`: what providers can do and have, and what the world sees. */
export function completeDns(dns: Command, terminal: Terminal): void {
  addProviders(dns, terminal)

  command(dns, 'plan', 'what the next flush would change at each provider; changes nothing').action(
    async (options: Options) => {
      const plan = decodeAnswer(planViewSchema, await get('plan', options))
      const isDue = ({ action }: { readonly action: string }) => action !== 'unchanged'
      if (options.json === true) {
        for (const { zone, changes } of plan.zones) {
          for (const change of changes) terminal.out(JSON.stringify({ zone, ...change }))
        }
      } else terminal.out(renderPlan(plan))
      if (plan.zones.some(({ changes }) => changes.some(isDue))) process.exitCode = EXIT_DIFFERS
    },
  )

  command(dns, 'check', 'what every authoritative name server serves').action(
    async (options: Options) => {
      const check = decodeAnswer(checkViewSchema, await get('check', options))
      if (options.json === true) {
        for (const { zone, rrsets } of check.zones) {
          for (const rrset of rrsets) terminal.out(JSON.stringify({ zone, ...rrset }))
        }
      } else terminal.out(renderCheck(check))
      const isWell = ({ state }: CheckedRRset) => state.kind === 'live' || state.kind === 'proxied'
      if (!check.zones.every(({ rrsets }) => rrsets.every(isWell))) process.exitCode = EXIT_DIFFERS
    },
  )
}

function addProviders(dns: Command, terminal: Terminal): void {
  dns
    .command('providers')
    .description('the kinds of providers that cloud.yaml may name, with their limits')
    .option('--json', 'print JSON, one provider a line')
    .action((options: { readonly json?: boolean }) => {
      const rows = listProviders()
      if (options.json === true) {
        for (const row of rows) terminal.out(JSON.stringify(row))
        return
      }
      terminal.out(renderTable(PROVIDER_HEADER, rows.map(renderProvider)))
      for (const { type, warning } of rows) {
        if (warning !== null) terminal.out(`${type}: ${warning}`)
      }
    })
}

function command(parent: Command, name: string, description: string): Command {
  return withAdminOptions(parent.command(name).description(description))
    .option('--zone <zone>', 'this zone alone')
    .option('--json', 'print JSON, one object a line')
    .addHelpText('after', '\nExits with 0 when everything is as it shall be, with 3 when not.')
}

function get(what: string, options: Options): Promise<unknown> {
  const query = options.zone === undefined ? '' : `?zone=${encodeURIComponent(options.zone)}`
  return createAdminClient(options).get(`/v1/admin/dns/${what}${query}`)
}

function renderPlan({ zones }: PlanView): string {
  const rows = zones.flatMap(({ changes }) =>
    changes
      .filter(({ action }) => action !== 'unchanged')
      .map((one) => [
        ...[one.name, one.type, one.provider, one.action],
        one.fault ?? `${textOf(one.found)} → ${textOf(one.wanted)}`,
      ]),
  )
  const total = zones.reduce((sum, { changes }) => sum + changes.length, 0)
  if (rows.length === 0) return `Nothing to change: ${total} RRsets are as they shall be.`
  return printable(renderTable(['NAME', 'TYPE', 'PROVIDER', 'ACTION', 'WHAT'], rows))
}

function renderCheck({ zones }: CheckView): string {
  const rows = zones.flatMap(({ rrsets }) =>
    rrsets.map((one) => [one.name, one.type, textOf(one.wanted), one.state.kind, detailOf(one)]),
  )
  if (rows.length === 0) return 'No host has claimed a name yet.'
  return printable(renderTable(['NAME', 'TYPE', 'WANTED', 'STATE', 'WHAT'], rows))
}

function detailOf({ state, answers }: CheckedRRset): string {
  switch (state.kind) {
    case 'live':
      return `${answers.length} name servers`
    case 'proxied':
      return 'served with addresses of the provider, which lead there'
    case 'written':
      return 'no name server is known to ask'
    case 'overwritten':
      return `all serve ${textOf(state.values)}: somebody else writes it`
    case 'lagging':
      return answers
        .filter(({ server }) => state.servers.includes(server))
        .map(({ server, served }) => `${server}: ${servedText(served)}`)
        .join('; ')
  }
}

function servedText(served: ServedView): string {
  if (served.kind === 'unknown') return served.reason
  return textOf(served.kind === 'absent' ? null : served.values)
}

function textOf(values: readonly string[] | null): string {
  return values === null || values.length === 0 ? 'nothing' : values.join(', ')
}
