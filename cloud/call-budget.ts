/** How many calls of providers one pass may make. */
export interface CallBudget {
  /** Takes that many if they are left. */
  take(calls: number): boolean
  taken(): number
}

/** A budget of that many calls. */
export function createCallBudget(max: number): CallBudget {
  let taken = 0
  return {
    take(calls) {
      if (taken + calls > max) return false
      taken += calls
      return true
    },
    taken: () => taken,
  }
}
