import type {
  ContainerState,
  FirewallState,
  Instant,
  NeighbourEntry,
  NeighbourState,
  NetworkState,
  ProxyState,
  RouteState,
  UplinkSnapshot,
} from './domain/model.ts'
import type { Step } from './domain/step.ts'

/** The host's kernel: addresses, routes and the network namespaces of containers. */
export interface Kernel {
  /** Every uplink of the settings; one that is missing does not keep the others from being read. */
  readUplinks(): Promise<readonly UplinkSnapshot[]>
  readRoutes(): Promise<readonly RouteState[]>
  /** Everything the kernel answers neighbour solicitations for, whoever made it. */
  readNeighbours(): Promise<readonly NeighbourEntry[]>
}

/** Docker, read only: phase *make* never changes Docker's state. */
export interface Containers {
  /** Reads the networks that take part or did; `also` those of these ids, which no route shows. */
  read(also?: ReadonlySet<string>): Promise<{
    readonly networks: readonly NetworkState[]
    readonly containers: readonly ContainerState[]
  }>
}

/** The neighbour proxy on the uplink (RFC 4389). */
export interface NeighbourProxy {
  read(): Promise<ProxyState>
}

/** The kernel's own neighbour proxy on the uplinks. */
export interface Neighbours {
  read(): Promise<NeighbourState>
}

/** The host's IPv6 packet filter. */
export interface Firewall {
  read(): Promise<FirewallState>
}

/** Carries out steps. Every step is idempotent; the next pass reads everything again. */
export interface Actuator {
  /** Applies steps of one stage, in parallel where they do not depend on each other. */
  apply(steps: readonly Step[]): Promise<readonly StepResult[]>
}

/** What became of one step. `ms` is how long it took. */
export interface StepResult {
  readonly step: Step
  readonly outcome: 'done' | 'failed'
  readonly ms: number
  readonly error?: string
}

/** A record of what was begun and what was finished. */
export interface Journal {
  /** All steps of a pass; durable when it returns, which is before the first of them. */
  begin(steps: readonly Step[]): Promise<void>
  /** What became of one stage. Never rejects: a pass must not stop between two stages for its sake. */
  end(results: readonly StepResult[]): Promise<void>
}

/** The service manager that started the agent (systemd), told how the agent is. */
export interface ServiceManager {
  /** How long it waits for a sign of life before it starts the agent anew; `null` where it never does. */
  readonly watchdogMs: number | null
  /** Tells assignments of sd_notify(3), in the order of the calls. Never throws, and nobody waits for it. */
  tell(assignments: Readonly<Record<string, string>>): void
}

export type Clock = () => Instant
