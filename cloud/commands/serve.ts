import type { Command } from 'commander'
import { createLogger } from '../../shared/logger.ts'

/** `reprefix serve`: the cloud on plain Node, until SIGTERM or SIGINT. */
export function addServeCommand(program: Command): void {
  program
    .command('serve')
    .description('run the cloud: accept reports, update DNS, keep the audit log')
    .option('--config <path>', 'settings', 'cloud.yaml')
    .option('--debug', 'log every request')
    .action(async (options: { readonly config: string; readonly debug?: boolean }) => {
      // The database and the key are nobody else's business.
      process.umask(0o077)
      // Only this command needs the database and the web server; the others start without them.
      const [{ readConfig }, { startCloud }] = await Promise.all([
        import('../config.ts'),
        import('../server.ts'),
      ])
      const config = await readConfig(options.config)
      const level = options.debug === true ? 'debug' : 'info'
      const logger = createLogger({ level, name: 'reprefix', destination: process.stdout })
      const cloud = await startCloud(config, logger)
      await new Promise<void>((resolve) => {
        for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve())
      })
      await cloud.stop()
    })
}
