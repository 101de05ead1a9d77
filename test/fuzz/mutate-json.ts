import type { Edit } from './mutate.ts'

type Holder = Record<string, unknown>
interface Place {
  readonly holder: Holder
  readonly key: string
}

const DEEP = 4000
const NAMES = ['__proto__', 'constructor', 'toString', 'v', 'kind', 'd', '0', 'length', '', 'é']

/** Values that a schema may not expect. */
function hostile(pick: number): unknown {
  const values: readonly (() => unknown)[] = [
    ...[null, true, false, 0, -0, -1, 1.5, 1e21, 2 ** 53, -(2 ** 53), 4294967295].map(
      (v) => () => v,
    ),
    ...['', ' ', '\0', '__proto__', '-', '::', '::/0', '2001:db8::/64', '1.2.3.4'].map(
      (v) => () => v,
    ),
    ...['x'.repeat(300), '\uD800', '*', 'www.example.org', '1e9999', 'A', 'AAAA'].map(
      (v) => () => v,
    ),
    ...['2026-03-01T12:00:00Z', '+99999-01-01T00:00:00Z', 'a.b.c'].map((v) => () => v),
    () => [],
    () => ({}),
    () => [[]],
    () => [null],
    () => ({ length: 1 }),
    () => Array.from({ length: 500 }, (_, i) => i),
    () => nest((inner) => [inner]),
    () => nest((inner) => ({ a: inner })),
  ]
  return values[pick % values.length]?.()
}

/**
 * The text of a JSON value with one change of its structure. Text that is not JSON, or nested too deep
 * to be written, stays as it is.
 */
export function mutateJson(text: string, edit: Edit): string {
  try {
    return change({ '': JSON.parse(text) }, edit) ?? text
  } catch {
    return text
  }
}

function change(root: Holder, { operation, at, pick, length }: Edit): string | undefined {
  const places = [...placesIn(root)]
  const place = places[Math.floor((at / 65_536) * places.length)]
  if (place === undefined) return undefined
  const { holder, key } = place
  const value = holder[key]
  const isTop = holder === root
  switch (operation % 8) {
    case 0:
    case 1:
      put(holder, key, hostile(pick))
      break
    case 2:
      if (isTop) break
      if (Array.isArray(holder)) holder.splice(Number(key), 1)
      else delete holder[key]
      break
    case 3:
      if (Array.isArray(holder)) holder.push(structuredClone(value))
      else if (!isTop) put(holder, NAMES[pick % NAMES.length] ?? '', structuredClone(value))
      break
    case 4: {
      const other = places[(pick * 31 + length) % places.length]
      if (other !== undefined) put(holder, key, structuredClone(other.holder[other.key]))
      break
    }
    case 5:
      put(holder, key, [value])
      break
    case 6:
      if (Array.isArray(value)) value.push(...Array.from({ length: length * 8 }, () => value[0]))
      else if (typeof value === 'object' && value !== null) {
        put(value as Holder, NAMES[pick % NAMES.length] ?? '', hostile(length))
      }
      break
    default:
      if (typeof value === 'number') put(holder, key, value + (pick % 2 === 0 ? 1 : -1))
      else if (typeof value === 'string') put(holder, key, value.toUpperCase())
      else put(holder, key, hostile(pick))
  }
  return JSON.stringify(root[''])
}

/** An own member, also of a name like `__proto__`. */
function put(holder: Holder, key: string, value: unknown): void {
  Object.defineProperty(holder, key, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  })
}

/** Every member of every object and list, the value itself first; what is nested too deep is left. */
function* placesIn(holder: Holder, depth = 0): Generator<Place> {
  for (const key of Object.keys(holder)) {
    yield { holder, key }
    const value = holder[key]
    if (typeof value === 'object' && value !== null && depth < 50) {
      yield* placesIn(value as Holder, depth + 1)
    }
  }
}

function nest(wrap: (inner: unknown) => unknown): unknown {
  let value: unknown = null
  for (let i = 0; i < DEEP; i++) value = wrap(value)
  return value
}
