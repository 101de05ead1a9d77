import type { DecisionState, Repository, StateWrite } from '../ports.ts'

/** The state that drafts decide on, and what was read of it. */
export interface WatchedState {
  readonly state: DecisionState
  /** True when something was read that one of these writes has changed. */
  hasRead(writes: ReadonlySet<string>): boolean
}

/**
 * Lends the repository to one draft and notes what the draft reads, also where it found nothing, so
 * that the draft is never stored together with one that changes what it has decided on.
 */
export function watchReads(repository: Repository): WatchedState {
  const read = new Set<string>()
  const state: DecisionState = {
    async host(name) {
      read.add(place('host', name))
      return repository.host(name)
    },
    async hostOfKey(kid) {
      read.add(place('key', kid))
      const host = await repository.hostOfKey(kid)
      if (host !== undefined) read.add(place('host', host.name))
      return host
    },
    async token(id) {
      read.add(place('token', id))
      return repository.token(id)
    },
    async owners(names) {
      for (const name of names) read.add(place('name', name))
      return repository.owners(names)
    },
    async report(kid, seq) {
      read.add(place('report', `${kid} ${seq}`))
      return repository.report(kid, seq)
    },
  }
  return { state, hasRead: (writes) => [...read].some((one) => writes.has(one)) }
}

/** What a write changes of the state that drafts decide on. */
export function changedBy(write: StateWrite): readonly string[] {
  switch (write.kind) {
    case 'create-host':
    case 'update-host':
      return [place('host', write.host.name)]
    case 'put-key':
      return [place('key', write.kid)]
    case 'create-token':
      return [place('token', write.token.id)]
    case 'use-token':
      return [place('token', write.id)]
    case 'own-names':
    case 'share-names':
    case 'release-names':
      return write.names.map((name) => place('name', name))
    case 'record-report':
      return [place('report', `${write.report.kid} ${write.report.seq}`)]
    case 'finish-report':
      return [place('report', `${write.kid} ${write.seq}`)]
    case 'desire':
    case 'mark-applied':
    case 'reopen':
      // Rows for DNS: the flusher reads them, no draft does.
      return []
  }
}

function place(kind: 'host' | 'key' | 'token' | 'name' | 'report', name: string): string {
  return `${kind} ${name}`
}
