import type { AddressState } from './model.ts'

/** The address so many seconds later, when nobody has touched it. */
export function ageAddress(state: AddressState, seconds: number): AddressState {
  const left = (value: number | null) => (value === null ? null : Math.max(0, value - seconds))
  return {
    ...state,
    preferredSeconds: left(state.preferredSeconds),
    validSeconds: left(state.validSeconds),
  }
}
