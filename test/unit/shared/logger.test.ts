import { describe, expect, it } from 'vitest'
import { ReprefixError } from '../../../shared/errors.ts'
import { createLogger, type LogLevel } from '../../../shared/logger.ts'

function capture(level: LogLevel) {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  return { lines, logger: createLogger({ level, name: 'test', destination }) }
}

describe('createLogger', () => {
  it('writes one JSON object a line, from its level up', () => {
    const { lines, logger } = capture('info')
    logger.debug({}, 'hidden')
    logger.info({ host: 'nas', size: 3n }, 'shown')
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      name: 'test',
      host: 'nas',
      size: '3',
      msg: 'shown',
    })
  })

  it('masks what is under the name of a secret, at any depth', () => {
    const { lines, logger } = capture('debug')
    logger.warn(
      {
        token: 'hunter2',
        request: { headers: { Authorization: 'Bearer hunter2', host: 'x' } },
        providers: [{ tsig: { name: 'ddns', secret: 'hunter2' } }],
        jwk: { kty: 'OKP', d: 'hunter2' },
        adminToken: 'hunter2',
        key: Uint8Array.from([1, 2]),
      },
      'x',
    )
    expect(lines[0]).not.toContain('hunter2')
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      request: { headers: { Authorization: '[redacted]', host: 'x' } },
      providers: [{ tsig: { name: 'ddns' } }],
      key: '[2 bytes]',
    })
  })

  it('writes errors with their code and cause', () => {
    const { lines, logger } = capture('error')
    const cause = new Error('inner')
    logger.error({ err: new ReprefixError('DISK_FULL', 'outer', { cause }) }, 'x')
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      err: { code: 'DISK_FULL', message: 'outer', cause: { message: 'inner' } },
    })
  })

  it('survives a value that contains itself', () => {
    const { lines, logger } = capture('info')
    const loop: Record<string, unknown> = {}
    loop.self = loop
    logger.info({ loop }, 'x')
    expect(lines).toHaveLength(1)
  })
})
