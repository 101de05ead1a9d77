import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { nodeProgram } from '../lab/programs.ts'

describe('a command behind "| head"', () => {
  it('ends without a word when nobody reads on', async () => {
    const [program = '', ...args] = nodeProgram('reprefix.js', ['dns', 'providers'])
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.destroy()
    const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
    expect([said, code]).toEqual(['', 0])
  })
})
