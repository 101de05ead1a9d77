/** XML as a tree: text, or the children by name; a list where all are the items of a plural. */
export type XmlTree = string | readonly XmlTree[] | { readonly [name: string]: XmlTree }

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
}

/** Reads a document without mixed content; attributes are left out. */
export function parseXml(text: string): XmlTree {
  const tokens = text.replace(/<\?[^>]*\?>/g, '').match(/<[^>]+>|[^<]+/g) ?? []
  let at = 0

  function children(end: string): XmlTree {
    const found: [string, XmlTree][] = []
    let plain = ''
    for (; at < tokens.length; at += 1) {
      const token = tokens[at] ?? ''
      const name = /^<\/?([\w.]+)/.exec(token)?.[1] ?? ''
      if (!token.startsWith('<')) plain += token
      else if (token.startsWith('</')) {
        if (name !== end) throw new Error(`</${name}> where </${end}> was due`)
        return shape(end, found, plain)
      } else {
        at += 1
        found.push([name, token.endsWith('/>') ? '' : children(name)])
        if (token.endsWith('/>')) at -= 1
      }
    }
    if (end !== '') throw new Error(`no </${end}>`)
    return shape(end, found, plain)
  }
  return children('')
}

function shape(name: string, found: readonly [string, XmlTree][], plain: string): XmlTree {
  if (found.length === 0) return name.endsWith('s') && plain.trim() === '' ? [] : unescapeXml(plain)
  if (found.every(([child]) => name === `${child}s`)) return found.map(([, one]) => one)
  return Object.fromEntries(found)
}

function unescapeXml(text: string): string {
  return text.replace(/&(#x?[\da-f]+|\w+);/gi, (_, name: string) =>
    name.startsWith('#')
      ? String.fromCodePoint(Number(name.replace('#x', '0x').replace('#', '')))
      : (ENTITIES[name] ?? ''),
  )
}

/** Text that may stand between tags. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
