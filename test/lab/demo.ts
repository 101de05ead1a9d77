import { messageOf } from '../../shared/errors.ts'
import { jsonOutput, textOutput } from './demo-output.ts'
import { summarise } from './demo-proofs.ts'
import { runDemoJob } from './demo-run.ts'
import { installPackages } from './install.ts'
import { labObstacle, missingPackages } from './packages.ts'
import type { Renumbering } from './renumbering.ts'

/** How `reprefix demo` was called. */
export interface DemoOptions {
  /** One JSON object a line instead of text; the last one is the summary. */
  readonly json: boolean
  /** Install missing Debian packages with apt-get first. */
  readonly install: boolean
}

const EXIT_PROVEN = 0
const EXIT_FAULT = 1
const EXIT_USAGE = 2

function refuse(reason: string, { json }: DemoOptions, exitCode: number): number {
  if (json) process.stdout.write(`${JSON.stringify({ kind: 'failed', message: reason })}\n`)
  process.stderr.write(`reprefix demo: ${reason}\n`)
  return exitCode
}

async function install({ json }: DemoOptions): Promise<void> {
  const missing = missingPackages()
  if (missing.length === 0) return
  const names = missing.map((each) => each.package).join(' ')
  process.stderr.write(`Installing ${names} (their services are not started)\n`)
  await installPackages(missing, (line) => {
    // Progress for a person: what apt-get fetches and sets up, not its whole conversation.
    if (!json && /^(Get:|Setting up|Err:)/.test(line)) process.stderr.write(`  ${line}\n`)
  })
}

/**
 * `reprefix demo`: the whole job on this machine, in network namespaces. Resolves with the exit code:
 * 0 when every proof holds, 1 when one does not or something failed, 2 when this machine cannot run it.
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const canInstall = process.platform === 'linux' && process.getuid?.() === 0
  if (options.install && canInstall) {
    try {
      await install(options)
    } catch (error) {
      return refuse(messageOf(error), options, EXIT_FAULT)
    }
  }
  const obstacle = labObstacle()
  if (obstacle !== undefined) {
    const hint = missingPackages().length > 0 && canInstall ? '; or call it with --install' : ''
    return refuse(`${obstacle}${hint}`, options, EXIT_USAGE)
  }
  const output = options.json ? jsonOutput(process.stdout) : textOutput(process.stdout)
  const renumberings: Renumbering[] = []
  try {
    const summary = await runDemoJob((event) => {
      if (event.kind === 'renumbered') renumberings.push(event.renumbering)
      output.emit(event)
    })
    return summary.ok ? EXIT_PROVEN : EXIT_FAULT
  } catch (error) {
    output.emit({ kind: 'failed', message: messageOf(error) })
    // A reader of the JSON lines finds a summary at the end of every run.
    if (options.json) output.emit(summarise(renumberings, [], { ok: false, entries: 0 }))
    return EXIT_FAULT
  } finally {
    output.close()
  }
}
