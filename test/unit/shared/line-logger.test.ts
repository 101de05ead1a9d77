import { describe, expect, it } from 'vitest'
import { ReprefixError } from '../../../shared/errors.ts'
import { createLineLogger } from '../../../shared/line-logger.ts'
import { createLogger, type Logger, type LogLevel } from '../../../shared/logger.ts'

const NOW = '2026-03-01T12:00:00.000Z'

/** What both loggers write for the same calls. */
function writeBoth(level: LogLevel, act: (logger: Logger) => void) {
  const [plain, pino]: [string[], string[]] = [[], []]
  const write = (line: string) => void plain.push(line)
  act(createLineLogger({ level, name: 'test', write, now: () => new Date(NOW) }))
  const destination = { write: (line: string) => void pino.push(line.trimEnd()) }
  act(createLogger({ level, name: 'test', destination }))
  const read = (lines: readonly string[]) =>
    lines.map((line) => ({ ...JSON.parse(line), time: NOW }))
  return { plain: read(plain), pino: read(pino), text: plain.join('\n') }
}

describe('createLineLogger', () => {
  it.each(['debug', 'info', 'warn', 'error', 'silent'] as const)(
    'writes from %s up what the other logger writes',
    (level) => {
      const { plain, pino } = writeBoth(level, (logger) => {
        logger.debug({}, 'one')
        logger.info({ host: 'nas', size: 3n, when: new Date(NOW) }, 'two')
        logger.warn({ list: [{ bytes: Uint8Array.of(1, 2) }], token: 'hunter2' }, 'three')
        logger.error({ event: 'x' }, 'four')
      })
      expect(plain).toEqual(pino)
      expect(plain).toHaveLength(['error', 'warn', 'info', 'debug'].indexOf(level) + 1)
    },
  )

  it('masks secrets and tells errors with their cause', () => {
    const error = new ReprefixError('STORE_FAILED', 'outer', { cause: new Error('inner') })
    const { plain, text } = writeBoth('info', (logger) => {
      logger.error({ error, headers: { authorization: 'hunter2' } }, 'failed')
    })
    expect(text).not.toContain('hunter2')
    expect(plain).toMatchObject([
      { error: { code: 'STORE_FAILED', message: 'outer', cause: { message: 'inner' } } },
    ])
  })

  it('keeps each line one line', () => {
    const { text } = writeBoth('info', (logger) => logger.info({ x: 'a\nb' }, 'c\nd'))
    expect(text.split('\n')).toHaveLength(1)
  })
})
