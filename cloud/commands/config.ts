import { type Command, Option } from 'commander'
import { createReferenceResolver, writeFileAtomic } from '../../shared/files.ts'
import { type Inspection, inspectConfig } from '../inspect-config.ts'
import { readConfigText } from '../load-config.ts'
import { RUNTIMES, type Runtime } from '../runtime-limits.ts'
import type { Terminal } from './terminal.ts'

interface CheckOptions {
  readonly config: string
  readonly runtime: Runtime
  readonly json?: boolean
}

interface EmbedOptions extends CheckOptions {
  readonly out: string
}

/** `reprefix config …`: what is wrong with cloud.yaml is said before it is deployed. */
export function completeConfig(config: Command, terminal: Terminal): void {
  withOptions(config.command('check').description('say what is wrong, before anything starts'))
    .addOption(runtimeOption().default('node'))
    .action(async (options: CheckOptions) => {
      report(await inspect(options), options, terminal)
    })
  withOptions(
    config
      .command('embed')
      .description('check cloud.yaml, and write what a function or a Worker has of it'),
  )
    .addOption(runtimeOption().choices(['lambda', 'workers']).makeOptionMandatory())
    .requiredOption('--out <path>', 'the file beside the program: settings.mjs, or settings.js')
    .action(async (options: EmbedOptions) => {
      const inspection = await inspect(options)
      const embedded = { runtime: options.runtime, settings: inspection.settings }
      await writeFileAtomic(options.out, `export default ${JSON.stringify(embedded, null, 2)}\n`)
      report(inspection, options, terminal)
    })
}

function withOptions(command: Command): Command {
  return command
    .option('--config <path>', 'settings', 'cloud.yaml')
    .option('--json', 'print JSON: what is to be set, and what deserves a look')
}

function runtimeOption(): Option {
  return new Option('--runtime <name>', 'where the cloud runs').choices(RUNTIMES)
}

async function inspect({ config, runtime }: CheckOptions): Promise<Inspection> {
  const text = await readConfigText(config)
  return inspectConfig(text, config, runtime, createReferenceResolver(process.env))
}

function report(
  { warnings, unresolved }: Inspection,
  { config, runtime, json }: CheckOptions,
  terminal: Terminal,
): void {
  if (json === true) {
    terminal.out(JSON.stringify({ kind: 'config', runtime, warnings, unresolved }))
    return
  }
  for (const warning of warnings) terminal.err(`${config}: ${warning}`)
  for (const reference of unresolved) {
    terminal.out(`${reference} has no value here: it must have one where the cloud starts`)
  }
  terminal.out(`${config} is right for ${runtime}`)
}
