import type { Command } from 'commander'

interface DemoOptions {
  readonly json?: boolean
  readonly install?: boolean
}

/** `reprefix demo`: the lab is loaded only when it is asked for. */
export function completeDemo(demo: Command): void {
  demo
    .option('--json', 'print JSON, one object a line')
    .option('--install', 'install the Debian packages that are missing')
    .action(async ({ json, install }: DemoOptions) => {
      const { runDemo } = await import('../../test/lab/demo.ts')
      process.exitCode = await runDemo({ json: json === true, install: install === true })
    })
}
