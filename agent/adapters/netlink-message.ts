/** Flags of a message header, as linux/netlink.h numbers them. */
export const MESSAGE_FLAGS = {
  request: 0x001,
  acknowledge: 0x004,
  /** Replaces what is there; without `create` it must be there. */
  replace: 0x100,
  create: 0x400,
  /** Both bits of NLM_F_DUMP: everything of the kind, ended by a message of its own. */
  dump: 0x300,
} as const

const HEADER_BYTES = 16
const ATTRIBUTE_HEADER_BYTES = 4
// The upper two bits of an attribute's type are flags about its content.
const ATTRIBUTE_TYPE = 0x3fff

/** An attribute by its number within the kind of message. */
export type Attribute = readonly [type: number, content: Uint8Array]

/** A message as it is sent: all numbers in the byte order of the machine, which is little-endian. */
export interface Request {
  readonly type: number
  /** A sum of {@link MESSAGE_FLAGS}; `request` is added. */
  readonly flags: number
  /** The fixed part that each kind of message begins with. */
  readonly body: Uint8Array
  readonly attributes?: readonly Attribute[]
}

/** A message as it was received. */
export interface Message {
  readonly type: number
  readonly flags: number
  readonly sequence: number
  readonly payload: Buffer
}

function aligned(bytes: number): number {
  return (bytes + 3) & ~3
}

/** A 32-bit number as the content of an attribute. */
export function uint32(value: number): Uint8Array {
  const content = Buffer.alloc(4)
  content.writeUInt32LE(value)
  return content
}

/** Encodes a message with its attributes (RFC 3549 §2.3.2). */
export function encodeRequest({ type, flags, body, attributes = [] }: Request, sequence: number) {
  const start = HEADER_BYTES + aligned(body.length)
  const length = attributes.reduce(
    (sum, [, content]) => sum + aligned(ATTRIBUTE_HEADER_BYTES + content.length),
    start,
  )
  const message = Buffer.alloc(length)
  message.writeUInt32LE(length, 0)
  message.writeUInt16LE(type, 4)
  message.writeUInt16LE(flags | MESSAGE_FLAGS.request, 6)
  message.writeUInt32LE(sequence, 8)
  message.set(body, HEADER_BYTES)
  let at = start
  for (const [attribute, content] of attributes) {
    message.writeUInt16LE(ATTRIBUTE_HEADER_BYTES + content.length, at)
    message.writeUInt16LE(attribute, at + 2)
    message.set(content, at + ATTRIBUTE_HEADER_BYTES)
    at += aligned(ATTRIBUTE_HEADER_BYTES + content.length)
  }
  return message
}

/** Splits what one read gave into messages; what is cut off at the end is left out. */
export function decodeMessages(bytes: Buffer): readonly Message[] {
  const messages: Message[] = []
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const length = bytes.readUInt32LE(at)
    if (length < HEADER_BYTES || at + length > bytes.length) break
    messages.push({
      type: bytes.readUInt16LE(at + 4),
      flags: bytes.readUInt16LE(at + 6),
      sequence: bytes.readUInt32LE(at + 8),
      payload: bytes.subarray(at + HEADER_BYTES, at + length),
    })
    at += aligned(length)
  }
  return messages
}

/** The attributes of a message by their number; of several with one number the last. */
export function decodeAttributes(bytes: Buffer): ReadonlyMap<number, Buffer> {
  const attributes = new Map<number, Buffer>()
  for (let at = 0; at + ATTRIBUTE_HEADER_BYTES <= bytes.length; ) {
    const length = bytes.readUInt16LE(at)
    if (length < ATTRIBUTE_HEADER_BYTES || at + length > bytes.length) break
    const type = bytes.readUInt16LE(at + 2) & ATTRIBUTE_TYPE
    attributes.set(type, bytes.subarray(at + ATTRIBUTE_HEADER_BYTES, at + length))
    at += aligned(length)
  }
  return attributes
}
