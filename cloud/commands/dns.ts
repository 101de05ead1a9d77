import type { Command } from 'commander'
import { renderTable } from '../../shared/terminal.ts'
import { listProviders, PROVIDER_HEADER, renderProvider } from '../dns/provider-table.ts'
import type { Terminal } from './terminal.ts'

/** `reprefix dns …`: what is known about DNS providers. */
export function addDnsCommands(program: Command, terminal: Terminal): void {
  const dns = program.command('dns').description('DNS providers, and what each can do')

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
