// Apart from logger.ts, whose library only those who build a logger load.
import type { LogFields, Logger } from './logger.ts'

/** The same log, with these fields in each line, such as the request that a line is about. */
export function withFields(logger: Logger, common: LogFields): Logger {
  return {
    debug: (fields, message) => logger.debug({ ...common, ...fields }, message),
    info: (fields, message) => logger.info({ ...common, ...fields }, message),
    warn: (fields, message) => logger.warn({ ...common, ...fields }, message),
    error: (fields, message) => logger.error({ ...common, ...fields }, message),
  }
}
