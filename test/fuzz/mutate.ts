import type { Decoder } from './decoder.ts'
import { mutateJson } from './mutate-json.ts'

/** One change of an input, in numbers that mean something only once the input is known. */
export interface Edit {
  /** Which view of the input is changed; 0 is the input itself. */
  readonly view: number
  readonly operation: number
  /** A position, in 2^16ths of the length. */
  readonly at: number
  readonly length: number
  readonly pick: number
}

/** No input grows beyond this: what takes long at this size takes too long. */
export const MAX_INPUT = 65_536

const TOKENS = [
  ...['', '\0', '\n', '\r\n', '\n\n', ' ', '\t', '"', "'", '\\', '\\u0000', '\uD800', '\uFEFF'],
  ...[
    'é',
    '\u2014',
    '\u212A',
    '\u{1F600}',
    '{',
    '}',
    '[',
    ']',
    ':',
    '::',
    ',',
    '.',
    '..',
    '%',
    '/',
  ],
  ...['//', '/*', '*/', '#', '=', '==', '+', '-', '_', '*', '*.', '0', '-0', '00', '1e999', '129'],
  ...['9007199254740993', '4294967296', '-1', 'null', 'true', '__proto__', 'constructor', 'xn--'],
  ...['::ffff:1.2.3.4', '255.255.255.256', 'proxy x {', 'PRIVATE+KEY+', 'extra AA==', 'index 1'],
] as const
const WORDS = [0, 1, 3, 4, 7, 8, 15, 16, 17, 127, 128, 255, 256, 0x7fff, 0x8000, 0xffff]

/** The input after the edits, one after the other. */
export function mutate(decoder: Decoder, sample: string, edits: readonly Edit[]): string {
  return edits.reduce((text, edit) => {
    const changed = mutateOnce(decoder, text, edit)
    if (changed.length <= MAX_INPUT) return changed
    // JSON that is cut off is not JSON.
    return decoder.kind === 'json' ? text : changed.slice(0, MAX_INPUT)
  }, sample)
}

function mutateOnce(decoder: Decoder, text: string, edit: Edit): string {
  if (decoder.kind === 'json') return mutateJson(text, edit)
  const views = decoder.views ?? []
  const view = views[(edit.view % (views.length + 1)) - 1]
  const inner = view?.open(text)
  if (view === undefined || inner === undefined) {
    return decoder.kind === 'bytes' ? mutateBytes(text, edit) : mutateText(text, edit, decoder)
  }
  return view.close(text, mutateText(inner, edit, decoder))
}

function mutateText(text: string, edit: Edit, decoder: Decoder): string {
  const { operation, pick } = edit
  const at = Math.floor((edit.at / 65_536) * (text.length + 1))
  const end = Math.min(text.length, at + edit.length)
  const token = TOKENS[pick % TOKENS.length] ?? ''
  // Half of the changes of JSON are of its structure.
  if (operation >= 8 && /^\s*[[{]/.test(text)) return mutateJson(text, edit)
  switch (operation % 8) {
    case 0:
      return text.slice(0, at) + token + text.slice(at + 1)
    case 1:
      return text.slice(0, at) + token + text.slice(at)
    case 2:
      return text.slice(0, at) + text.slice(end)
    case 3:
      return text.slice(0, end) + text.slice(at)
    case 4:
      return text.slice(0, at)
    case 5: {
      const other = decoder.samples[pick % decoder.samples.length] ?? ''
      return text.slice(0, at) + other.slice(Math.floor((edit.at / 65_536) * other.length))
    }
    case 6: {
      // Long runs are what makes nesting deep and searching slow, and are slow to try.
      const unit = pick % 3 === 0 ? text.slice(at, end) : token
      const count = pick % 16 === 0 ? 20_000 : 3
      return text.slice(0, at) + unit.repeat(unit === '' ? 0 : count) + text.slice(at)
    }
    default: {
      const flipped = (text.charCodeAt(at) || 0) ^ (1 << (pick % 7))
      return text.slice(0, at) + String.fromCharCode(flipped) + text.slice(at + 1)
    }
  }
}

function mutateBytes(text: string, edit: Edit): string {
  const { operation, pick, length } = edit
  const at = Math.floor((edit.at / 65_536) * (text.length + 1))
  // Lengths and numbers in messages stand at even places.
  const even = at & ~1
  const word = WORDS[pick % WORDS.length] ?? 0
  const [low, high] = [String.fromCharCode(word & 255), String.fromCharCode(word >> 8)]
  switch (operation % 8) {
    case 0:
      return text.slice(0, at) + low + text.slice(at + 1)
    case 1:
      return text.slice(0, even) + low + high + text.slice(even + 2)
    case 2:
      return text.slice(0, even) + high + low + text.slice(even + 2)
    case 3:
      return text.slice(0, at) + text.slice(at + length)
    case 4:
      return text.slice(0, at + length) + text.slice(at)
    case 5:
      return text.slice(0, at)
    case 6:
      return text.slice(0, at) + low.repeat(length) + text.slice(at)
    default: {
      const flipped = (text.charCodeAt(at) || 0) ^ (1 << (pick % 8))
      return text.slice(0, at) + String.fromCharCode(flipped & 255) + text.slice(at + 1)
    }
  }
}
