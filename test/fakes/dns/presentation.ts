/** TXT content as zone files write it, made without the code under test. */
export function presentTxt(raw: string): string {
  const strings: string[] = []
  for (let bytes = Buffer.from(raw); ; bytes = bytes.subarray(255)) {
    let text = ''
    for (const byte of bytes.subarray(0, 255)) {
      if (byte === 34) text += '\\"'
      else if (byte === 92) text += '\\\\'
      else if (byte >= 32 && byte < 127) text += String.fromCharCode(byte)
      else text += `\\${byte.toString().padStart(3, '0')}`
    }
    strings.push(`"${text}"`)
    if (bytes.length <= 255) return strings.join(' ')
  }
}

/** The raw string of TXT content; undefined when it is not in quotes throughout. */
export function readTxt(content: string): string | undefined {
  const bytes: number[] = []
  let isInside = false
  let length = 0
  for (let at = 0; at < content.length; at += 1) {
    const character = content.charAt(at)
    if (!isInside) {
      if (character === '"') isInside = true
      else if (character !== ' ') return undefined
      length = 0
      continue
    }
    if (character === '"') {
      isInside = false
      continue
    }
    if (character === '\\') {
      const code = /^\d{3}/.exec(content.slice(at + 1))?.[0]
      bytes.push(code === undefined ? content.charCodeAt(at + 1) : Number(code))
      at += code === undefined ? 1 : 3
    } else {
      const code = character.charCodeAt(0)
      if (code > 126) return undefined
      bytes.push(code)
    }
    length += 1
    if (length > 255) return undefined
  }
  return isInside ? undefined : Buffer.from(bytes).toString('utf8')
}
