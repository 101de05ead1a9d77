import type { Variant } from './ip6tables-variant.ts'
import { keepFollowing, type Listener, type MonitorParts } from './monitor.ts'

const FIRST_BACKOFF_MS = 250
/** Announcements that touch the IPv6 filter table; those of other tables and families are many. */
const FILTER_EVENT = /^\s*EVENT: .*\bfilter\b/

/**
 * Follows changes of the packet filter as hints, so that a chain that was flushed is back at once:
 * firewalld and Docker flush and insert when they start. Only nftables announces changes; under
 * iptables-legacy, or without xtables-monitor, the loop's own timer finds them. While looking is
 * pointless (`heldBackMs`), all hints together become one when it no longer is.
 */
export function startFirewallMonitor(
  variant: () => Promise<Variant>,
  onHint: () => void,
  parts: MonitorParts & { readonly heldBackMs?: () => number },
): Listener {
  let isStopped = false
  let following: Listener | undefined
  let later: NodeJS.Timeout | undefined

  function hint(): void {
    const ms = parts.heldBackMs?.() ?? 0
    if (ms <= 0) onHint()
    else later ??= setTimeout(lookLate, ms)
  }

  function lookLate(): void {
    later = undefined
    hint()
  }

  async function start(): Promise<void> {
    if ((await variant()) !== 'nft' || isStopped) return
    following = keepFollowing(
      {
        name: 'xtables-monitor',
        // Into a pipe it prints nothing for thousands of bytes unless its lines are forced out.
        argv: ['stdbuf', '-oL', 'xtables-monitor', '--event', '-6'],
        isHint: (line) => FILTER_EVENT.test(line),
        // Version 1.8.9 ends at the first rule about ICMPv6, of which our chain has six a network.
        isFragile: true,
        // 127: stdbuf found no such program.
        isPointless: (reason) => reason === 'exit code 127' || reason.includes('not installed'),
      },
      hint,
      { firstBackoffMs: FIRST_BACKOFF_MS, ...parts },
    )
  }

  start().catch((cause: unknown) => {
    parts.log.debug({ cause }, 'ip6tables cannot be asked; its changes are found by polling')
  })
  return {
    isListening: () => following?.isListening() ?? false,
    stop: () => {
      isStopped = true
      clearTimeout(later)
      following?.stop()
    },
  }
}
