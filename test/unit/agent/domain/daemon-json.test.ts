import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readTextMember, replaceTextMember } from '../../../../agent/domain/daemon-json.ts'

const NAME = 'fixed-cidr-v6'
const read = (text: string) => readTextMember(text, NAME)
const replace = (text: string) => replaceTextMember(text, NAME, 'fd00::/80')

/** How many characters two texts have in common at their beginning and, beyond that, at their end. */
function commonEnds(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length)
  let before = 0
  while (before < shorter && a[before] === b[before]) before += 1
  let after = 0
  while (after < shorter - before && a.at(-1 - after) === b.at(-1 - after)) after += 1
  return before + after
}

describe('a member of daemon.json', () => {
  it.each([
    ['plain', '{"fixed-cidr-v6": "A"}', '{"fixed-cidr-v6": "fd00::/80"}'],
    [
      'crlf and tabs',
      '{\r\n\t"ipv6":\ttrue,\r\n\t"fixed-cidr-v6" :\t"A"\r\n}\r\n',
      '{\r\n\t"ipv6":\ttrue,\r\n\t"fixed-cidr-v6" :\t"fd00::/80"\r\n}\r\n',
    ],
    [
      'inner namesakes',
      '{"a":{"fixed-cidr-v6":"x"},"b":["fixed-cidr-v6",{"fixed-cidr-v6":[]}],"fixed-cidr-v6":"A","c":"fixed-cidr-v6"}',
      '{"a":{"fixed-cidr-v6":"x"},"b":["fixed-cidr-v6",{"fixed-cidr-v6":[]}],"fixed-cidr-v6":"fd00::/80","c":"fixed-cidr-v6"}',
    ],
    [
      'escapes',
      '{"x":"\\"fixed-cidr-v6\\": \\"no\\" {","fixed\\u002dcidr-v6":"A"}',
      '{"x":"\\"fixed-cidr-v6\\": \\"no\\" {","fixed\\u002dcidr-v6":"fd00::/80"}',
    ],
  ])('%s', (_, text, expected) => {
    expect(read(text)).toEqual({ value: 'A' })
    expect(replace(text)).toEqual({ value: expected })
  })

  it.each([
    ['comment', '{ // mine\n"fixed-cidr-v6": "A"}', 'comments'],
    ['last comma', '{"fixed-cidr-v6": "A",}', 'last commas'],
    ['twice', '{"fixed-cidr-v6": "A", "fixed-cidr-v6": "B"}', '2 times'],
    ['no text', '{"fixed-cidr-v6": ["A"]}', 'not a text'],
    ['no object', '["fixed-cidr-v6"]', 'not a JSON object'],
    ['empty', '', 'not JSON'],
    ['byte order mark', '\uFEFF{"fixed-cidr-v6": "A"}', 'not JSON'],
  ])('is refused: %s', (_, text, fault) => {
    expect(read(text)).toEqual({ fault: expect.stringContaining(fault) })
  })

  it('may be absent', () => {
    expect(read('{"ipv6": true}')).toEqual({ value: undefined })
    expect(read('{}')).toEqual({ value: undefined })
    expect(replace('{}')).toEqual({ fault: expect.stringContaining('has no') })
  })

  it('is all that an edit changes, whatever stands around it', () => {
    const others = fc.dictionary(fc.string(), fc.jsonValue())
    const indent = fc.constantFrom<string | number>(0, 2, '\t')
    const value = fc.string()
    fc.assert(
      fc.property(others, others, value, value, indent, (before, after, old, next, space) => {
        delete before[NAME]
        delete after[NAME]
        const file = { ...before, [NAME]: old, ...after }
        const text = JSON.stringify(file, null, space).replaceAll('\n', '\r\n')
        expect(readTextMember(text, NAME)).toEqual({ value: old })
        const edited = replaceTextMember(text, NAME, next)
        if ('fault' in edited) throw new Error(edited.fault)
        expect(JSON.parse(edited.value)).toEqual({ ...JSON.parse(text), [NAME]: next })
        // Outside the value every character is the one before.
        const same = commonEnds(text, edited.value)
        expect(same).toBeGreaterThanOrEqual(text.length - JSON.stringify(old).length)
        const back = replaceTextMember(edited.value, NAME, old)
        expect(back).toEqual({ value: text })
      }),
    )
  })
})
