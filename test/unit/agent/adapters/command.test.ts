import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { followCommand, requireSuccess, runCommand } from '../../../../agent/adapters/command.ts'

describe('running commands', () => {
  it('gives exit code and output as values, with input and the C locale', async () => {
    const script = 'cat; echo "$LC_ALL" >&2; exit 3'
    expect(await runCommand(['sh', '-c', script], { input: 'hello\n' })).toEqual({
      exitCode: 3,
      stdout: 'hello\n',
      stderr: 'C\n',
    })
  })

  it('passes arguments on as they are', async () => {
    const { stdout } = await runCommand(['printf', '%s|', 'a b', '$HOME', ';'])
    expect(stdout).toBe('a b|$HOME|;|')
  })

  it('kills what does not finish', async () => {
    await expect(runCommand(['sleep', '10'], { timeoutMs: 20 })).rejects.toMatchObject({
      code: 'COMMAND_TIMEOUT',
      message: expect.stringContaining('sleep 10'),
    })
  })

  it('waits for no grandchild that holds the pipes of what was killed', async () => {
    const startedAt = performance.now()
    await expect(
      runCommand(['sh', '-c', 'sleep 20 & wait'], { timeoutMs: 50 }),
    ).rejects.toMatchObject({ code: 'COMMAND_TIMEOUT' })
    expect(performance.now() - startedAt).toBeLessThan(10_000)
  })

  it('says that a program is missing', async () => {
    await expect(runCommand(['/nowhere/ndppd'])).rejects.toMatchObject({
      code: 'TOOL_MISSING',
      message: expect.stringContaining('apt-get install ndppd'),
    })
    await expect(runCommand(['no-such-program'])).rejects.toMatchObject({ code: 'TOOL_MISSING' })
  })

  it('says so, too, where PATH has only a file that cannot be run', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'reprefix-path-'))
    await writeFile(join(directory, 'ndppd'), '#!/bin/sh\n', { mode: 0o644 })
    vi.stubEnv('PATH', directory)
    try {
      await expect(runCommand(['ndppd'])).rejects.toMatchObject({ code: 'TOOL_MISSING' })
      await expect(runCommand([join(directory, 'ndppd')])).rejects.toMatchObject({
        code: 'COMMAND_FAILED',
      })
    } finally {
      vi.unstubAllEnvs()
      await rm(directory, { recursive: true })
    }
  })

  it('says when a program was killed', async () => {
    await expect(runCommand(['sh', '-c', 'kill -9 $$'])).rejects.toMatchObject({
      code: 'COMMAND_FAILED',
    })
  })

  it('turns a failure into a fault with its last words', () => {
    const result = { exitCode: 2, stdout: '', stderr: 'first\nlast words\n' }
    expect(() => requireSuccess(result, 'failed to look')).toThrow(
      'failed to look: exit code 2, last words',
    )
  })
})

describe('following a command', () => {
  it('hands on lines as they come and tells the end', async () => {
    const lines: string[] = []
    const command = followCommand(['sh', '-c', 'echo a; echo b; exit 4'], (line) =>
      lines.push(line),
    )
    expect(await command.ended).toBe('exit code 4')
    expect(lines).toEqual(['a', 'b'])
  })

  it('ends when it is stopped, or was never there', async () => {
    const command = followCommand(['sleep', '10'], () => undefined)
    command.stop()
    expect(await command.ended).toContain('SIGTERM')
    const missing = followCommand(['/nowhere/ip'], () => undefined)
    expect(await missing.ended).toContain('iproute2')
  })
})
