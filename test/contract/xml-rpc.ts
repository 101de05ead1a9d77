type Value = string | number | boolean | readonly Value[] | { readonly [name: string]: Value }

/** A call or an answer in XML-RPC, as its JSON form would be. */
export function parseXmlRpc(xml: string): { readonly method: string; readonly value: Value } {
  const tokens = xml.replace(/<\?[^>]*\?>/, '').match(/<[^>]+>|[^<]+/g) ?? []
  const words = tokens.filter((token) => token.startsWith('<') || token.trim() !== '')
  let at = 0
  const peek = () => words[at] ?? ''
  const next = () => words[at++] ?? ''
  function expectWord(word: string): void {
    const got = next()
    if (got !== word) throw new Error(`${got} where ${word} was due`)
  }

  function value(): Value {
    if (peek() === '<value/>') {
      next()
      return ''
    }
    expectWord('<value>')
    const kind = next()
    const inner = kind.endsWith('/>') ? '' : content(kind)
    expectWord('</value>')
    return inner
  }

  function content(kind: string): Value {
    if (kind === '<struct>') {
      const members: [string, Value][] = []
      while (peek() === '<member>') {
        next()
        expectWord('<name>')
        const name = next()
        expectWord('</name>')
        members.push([name, value()])
        expectWord('</member>')
      }
      expectWord('</struct>')
      return Object.fromEntries(members)
    }
    if (kind === '<array>') {
      const items: Value[] = []
      expectWord('<data>')
      while (peek() === '<value>') items.push(value())
      expectWord('</data>')
      expectWord('</array>')
      return items
    }
    const text = peek().startsWith('</') ? '' : next()
    next()
    return kind === '<int>' || kind === '<double>' ? Number(text) : text
  }

  const method = /<methodName>([^<]*)</.exec(xml)?.[1] ?? ''
  at = words.indexOf('<value>')
  return { method, value: value() }
}
