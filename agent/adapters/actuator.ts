import { messageOf } from '../../shared/errors.ts'
import { contains } from '../../shared/ipv6.ts'
import type { Logger } from '../../shared/logger.ts'
import type { Step } from '../domain/step.ts'
import { targetOf } from '../domain/step.ts'
import type { Actuator, StepResult } from '../ports.ts'
import { lastWords, type RunCommand } from './command.ts'
import { createContainerNamespaces } from './container-namespaces.ts'
import type { Ip6tables } from './ip6tables.ts'
import type { KernelProxy, NeighbourStep } from './kernel-proxy.ts'
import type { Ndppd } from './ndppd.ts'
import type { AddressStep, HostStep, Network } from './network.ts'
import { subnetsRoutedTo } from './proc-net.ts'
import type { ProcessTable } from './processes.ts'

/** What the actuator acts through. */
export interface ActuatorParts {
  readonly run: RunCommand
  readonly network: Network
  readonly processes: ProcessTable
  /** `null` where the configuration leaves the plane to others. */
  readonly ndppd: Ndppd | null
  /** The kernel's own neighbour proxy. */
  readonly kernelProxy?: KernelProxy
  readonly ip6tables: Ip6tables | null
  /** Told after a step changed an address in a container, or may have. */
  readonly onContainerChanged: (step: AddressStep, isDone: boolean) => void
  readonly log: Logger
}

function isAddressStep(step: Step): step is AddressStep {
  return ['address-add', 'address-deprecate', 'address-remove'].includes(step.kind)
}

function isHostStep(step: Step): step is HostStep {
  return ['route-add', 'route-move', 'route-remove', 'uplink-deprecate'].includes(step.kind)
}

function isNeighbourStep(step: Step): step is NeighbourStep {
  return ['neighbour-enable', 'neighbour-add', 'neighbour-remove'].includes(step.kind)
}

/**
 * Carries out steps on the real host. Never throws for a step that fails: its result says so, and the
 * other steps of the stage still run.
 */
export function createActuator(parts: ActuatorParts): Actuator {
  const namespaces = createContainerNamespaces(parts.network, parts.processes)

  async function applyToHost(steps: readonly HostStep[]): Promise<readonly StepResult[]> {
    if (steps.length === 0) return []
    return measured(steps, async () => {
      const failures = await parts.network.change('self', steps)
      return (_, index) => failures.get(index)
    })
  }

  /**
   * Forgets what the host thinks of the new addresses: an entry learnt before the address existed, or
   * for the MAC address of a container since restarted, would keep the address dead for seconds. Where
   * no route leads to an address yet, the host cannot have asked for it.
   */
  async function flushNeighbours(results: readonly StepResult[]): Promise<void> {
    const added = results.flatMap(({ step, outcome }) =>
      step.kind === 'address-add' && outcome === 'done' ? [step] : [],
    )
    if (added.length === 0) return
    const routes = await parts.processes.readRoutes()
    const bridges = [...new Set(added.map(({ bridge }) => bridge))]
    const subnets = new Map(bridges.map((bridge) => [bridge, subnetsRoutedTo(routes, bridge)]))
    const lines = added
      .filter(({ bridge, address }) => {
        return subnets.get(bridge)?.some((subnet) => contains(subnet, address))
      })
      .map(({ bridge, address }) => `neigh flush to ${address} dev ${bridge}`)
    if (lines.length === 0) return
    const input = `${lines.join('\n')}\n`
    const result = await parts.run(['ip', '-6', '-force', '-batch', '-'], { input })
    if (result.exitCode !== 0) {
      parts.log.warn(
        { words: lastWords(result) },
        'could not flush stale neighbours; a new address may take a second longer to answer',
      )
    }
  }

  async function applySingle(step: Step): Promise<string | undefined> {
    if (step.kind === 'firewall-set') {
      if (!parts.ip6tables) return 'the configuration leaves the firewall alone'
      await parts.ip6tables.apply(step.rules, step.hook)
    } else if (step.kind === 'proxy-set') {
      if (!parts.ndppd) return 'the configuration leaves the neighbour proxy alone'
      await parts.ndppd.apply(step)
    }
    return undefined
  }

  async function applySingles(steps: readonly Step[]): Promise<readonly StepResult[]> {
    const results: StepResult[] = []
    for (const step of steps) {
      results.push(
        ...(await measured([step], async () => {
          const error = await applySingle(step)
          return () => error
        })),
      )
    }
    return results
  }

  async function applyNeighbours(steps: readonly NeighbourStep[]): Promise<readonly StepResult[]> {
    if (steps.length === 0) return []
    return measured(steps, async () => {
      await parts.kernelProxy?.apply(steps)
      return () => (parts.kernelProxy ? undefined : 'this agent has no kernel neighbour proxy')
    })
  }

  async function applyAddresses(steps: readonly AddressStep[]): Promise<readonly StepResult[]> {
    const results = await namespaces.apply(steps)
    for (const { step, outcome } of results) {
      if (isAddressStep(step)) parts.onContainerChanged(step, outcome === 'done')
    }
    await flushNeighbours(results).catch((cause: unknown) => {
      parts.log.warn({ cause: messageOf(cause) }, 'could not flush stale neighbours')
    })
    return results
  }

  async function apply(steps: readonly Step[]): Promise<readonly StepResult[]> {
    const results = [
      ...(await applySingles(
        steps.filter((one) => !isAddressStep(one) && !isHostStep(one) && !isNeighbourStep(one)),
      )),
      ...(await applyNeighbours(steps.filter(isNeighbourStep))),
      ...(await applyAddresses(steps.filter(isAddressStep))),
      ...(await applyToHost(steps.filter(isHostStep))),
    ]
    for (const { step, outcome, ms, error } of results) {
      const fields = { event: 'step', step: step.kind, target: targetOf(step), ms, outcome }
      if (outcome === 'done') parts.log.info(fields, `${step.kind} ${targetOf(step)}`)
      else parts.log.error({ ...fields, error }, `${step.kind} ${targetOf(step)} failed: ${error}`)
    }
    return results
  }

  return { apply }
}

/** Runs `work` for a group of steps and turns its verdicts, or its exception, into results. */
async function measured<S extends Step>(
  steps: readonly S[],
  work: () => Promise<(step: S, index: number) => string | undefined>,
): Promise<readonly StepResult[]> {
  const startedAt = performance.now()
  let verdict: (step: S, index: number) => string | undefined
  try {
    verdict = await work()
  } catch (cause) {
    verdict = () => messageOf(cause)
  }
  const ms = Math.round((performance.now() - startedAt) * 100) / 100
  return steps.map((step, index) => {
    const error = verdict(step, index)
    return error === undefined
      ? { step, outcome: 'done', ms }
      : { step, outcome: 'failed', ms, error }
  })
}
