import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { endianness } from 'node:os'
import { getSystemErrorMap } from 'node:util'
import { messageOf, ReprefixError } from '../../shared/errors.ts'
import {
  decodeAttributes,
  decodeMessages,
  encodeRequest,
  type Message,
  type Request,
} from './netlink-message.ts'

/** A refusal by the kernel, by the name of its error number (`EEXIST`). */
export interface Refusal {
  readonly code: string
  readonly words: string
}

/** A conversation with the kernel about one network namespace (rtnetlink(7)). */
export interface NetlinkSocket {
  /** Everything that the kernel answers. @throws ReprefixError NETLINK_FAILED */
  read(request: Request): readonly Message[]
  /** Makes a change; returns why the kernel refused it. @throws ReprefixError NETLINK_FAILED */
  change(request: Request): Refusal | undefined
}

/** Talks to the kernel without a process in between. */
export interface Netlink {
  /**
   * Talks about the namespace of a process, or about the agent's own. It is all over when this returns:
   * the kernel answers within the call.
   * @throws NodeJS.ErrnoException ENOENT or ESRCH when the process is gone
   */
  talk<T>(pid: number | 'self', conversation: (socket: NetlinkSocket) => T): T
}

const AF_NETLINK = 16
const NETLINK_ROUTE = 0
const SOCK_RAW = 3
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000
const CLONE_NEWNET = 0x40000000
const SOL_NETLINK = 270
/** Answers do not repeat what was asked. */
const NETLINK_CAP_ACK = 10
/** Refusals come with the kernel's words. */
const NETLINK_EXT_ACK = 11

/** The messages that end an answer, NLMSG_ERROR and NLMSG_DONE; both say whether it went well. */
const ENDS: ReadonlySet<number> = new Set([2, 3])
/** What was dumped has changed meanwhile: parts of it may be missing or there twice. */
const INTERRUPTED = 0x10
const MOST_TRIES = 5
const HAS_WORDS = 0x200
const WORDS = 1
const ERROR_BYTES = 20
/** The kernel fills no more at once (NLMSG_GOODSIZE, linux/netlink.h). */
const RECEIVE_BYTES = 32_768

/** The functions of the C library that Node has no way to. */
interface LibC {
  setns(fd: number, kind: number): number
  socket(family: number, type: number, protocol: number): number
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number
  errno(): number
}

function loadLibC(): LibC {
  const koffi: typeof import('koffi') = createRequire(import.meta.url)('koffi')
  // Those of the program itself, which has the C library, whichever it is.
  const self = koffi.load(null)
  return {
    setns: self.func('int setns(int fd, int nstype)'),
    socket: self.func('int socket(int domain, int type, int protocol)'),
    setsockopt: self.func(
      'int setsockopt(int fd, int level, int name, const uint8_t *value, uint32_t length)',
    ),
    errno: koffi.errno,
  }
}

function failure(what: string, detail: string): ReprefixError {
  return new ReprefixError('NETLINK_FAILED', `could not ${what}: ${detail}`)
}

/** The name and the words of an error number. */
function describe(errno: number): Refusal {
  const [code, words] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, `errno ${errno}`]
  return { code, words }
}

/** What an answer of the kind ERROR says; `undefined` when all is well. */
function refusalIn({ payload, flags }: Message): Refusal | undefined {
  const errno = -payload.readInt32LE(0)
  if (errno === 0) return undefined
  const { code, words } = describe(errno)
  const own =
    (flags & HAS_WORDS) === 0 ? undefined : decodeAttributes(payload.subarray(ERROR_BYTES))
  const theirs = own?.get(WORDS)?.toString('utf8').replace(/\0.*$/, '')
  return { code, words: theirs ? `${words} (${theirs})` : words }
}

function createSocket(fd: number, buffer: Buffer): NetlinkSocket {
  let sequence = 0

  /** Sends a request and hands on its answers until `take` has seen the last one. */
  function ask(request: Request, take: (answer: Message) => boolean): void {
    sequence += 1
    writeSync(fd, encodeRequest(request, sequence))
    for (let isOver = false; !isOver; ) {
      // Messages are kept: the next read goes into the same buffer.
      const bytes = Buffer.from(buffer.subarray(0, readSync(fd, buffer)))
      isOver = decodeMessages(bytes).some((answer) => answer.sequence === sequence && take(answer))
    }
  }

  function read(request: Request, triesLeft = MOST_TRIES): readonly Message[] {
    const messages: Message[] = []
    ask(request, (answer) => {
      const refusal = ENDS.has(answer.type) ? refusalIn(answer) : undefined
      if (refusal) throw failure('read from the kernel', refusal.words)
      if (!ENDS.has(answer.type)) messages.push(answer)
      return ENDS.has(answer.type)
    })
    const isWhole = messages.every(({ flags }) => (flags & INTERRUPTED) === 0)
    return isWhole || triesLeft <= 1 ? messages : read(request, triesLeft - 1)
  }

  return {
    read,
    change: (request) => {
      let refusal: Refusal | undefined
      ask(request, (answer) => {
        refusal = refusalIn(answer)
        return true
      })
      return refusal
    },
  }
}

/**
 * Loads what it takes to talk to the kernel; `null`, with the reason given to `onMissing`, where the
 * library that calls the C library is not installed or does not run.
 *
 * A socket belongs for ever to the namespace that its thread was in when it was made. So this thread is
 * in another namespace for one system call, and nothing else can happen meanwhile.
 */
export function loadNetlink(onMissing: (reason: string) => void = () => undefined): Netlink | null {
  let libc: LibC
  let own: number
  try {
    if (endianness() !== 'LE') throw new Error('this machine is big-endian')
    libc = loadLibC()
    own = openSync('/proc/self/ns/net', 'r')
  } catch (cause) {
    onMissing(messageOf(cause))
    return null
  }

  const buffer = Buffer.alloc(RECEIVE_BYTES)

  function socketHere(): number {
    const fd = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE)
    if (fd < 0) throw failure('open a netlink socket', describe(libc.errno()).words)
    const on = Buffer.from([1, 0, 0, 0])
    // Both only make answers shorter or clearer: a kernel that does not know them does without.
    for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK]) {
      libc.setsockopt(fd, SOL_NETLINK, option, on, on.length)
    }
    return fd
  }

  function socketIn(pid: number): number {
    const theirs = openSync(`/proc/${pid}/ns/net`, 'r')
    try {
      if (libc.setns(theirs, CLONE_NEWNET) !== 0) {
        throw failure(`enter the namespace of process ${pid}`, describe(libc.errno()).words)
      }
      try {
        return socketHere()
      } finally {
        // Everything after this would be done to a container instead of the host.
        if (libc.setns(own, CLONE_NEWNET) !== 0) process.abort()
      }
    } finally {
      closeSync(theirs)
    }
  }

  return {
    talk: (pid, conversation) => {
      const fd = pid === 'self' ? socketHere() : socketIn(pid)
      try {
        return conversation(createSocket(fd, buffer))
      } finally {
        closeSync(fd)
      }
    },
  }
}
