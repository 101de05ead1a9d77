import type { Command } from 'commander'
import { createLogger } from '../../shared/logger.ts'
import { readConfig } from '../load-config.ts'
import { startCloud } from '../server.ts'

/** `reprefix serve`: the cloud on plain Node, until SIGTERM or SIGINT. */
export function completeServe(serve: Command): void {
  serve
    .option('--config <path>', 'settings', 'cloud.yaml')
    .option('--debug', 'log every request')
    .action(async (options: { readonly config: string; readonly debug?: boolean }) => {
      // The database and the key are nobody else's business.
      process.umask(0o077)
      const loaded = await readConfig(options.config)
      const level = options.debug === true ? 'debug' : 'info'
      const logger = createLogger({ level, name: 'reprefix', destination: process.stdout })
      const cloud = await startCloud(loaded, logger)
      await new Promise<void>((resolve) => {
        for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve())
      })
      await cloud.stop()
    })
}
