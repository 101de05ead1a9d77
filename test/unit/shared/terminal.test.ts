import { describe, expect, it } from 'vitest'
import { printable } from '../../../shared/terminal.ts'

describe('printable', () => {
  it.each([
    ['a line\n\tand another', 'a line\n\tand another'],
    ['é ü 日本', 'é ü 日本'],
    ['\u001b[31mred', '\\u001b[31mred'],
    ['over\rwritten', 'over\\u000dwritten'],
    ['\u009b2J\u0007\u0000', '\\u009b2J\\u0007\\u0000'],
    ['\u202Etxt.exe', '\\u202etxt.exe'],
  ])('lets no text of others steer the terminal: %j', (text, expected) => {
    expect(printable(text)).toBe(expected)
  })
})
