import type { Access } from '../decision.ts';

const accesses = new WeakMap<object, Access | undefined>();

/**
 * What a break-glass token opens on this request, or undefined: then normal RBAC has decided. Nothing that a client sends can make it
 * say otherwise. Takes the request of any framework; with Hono, the context or its `req.raw`.
 */
export function accessOf(request: object): Access | undefined {
  return accesses.get(request);
}

/** Says what the guard has decided of a request, over whatever stood there; `breakglass` becomes a member of it. Throws if it cannot. */
export function attach(request: object, access: Access | undefined): void {
  Object.defineProperty(request, 'breakglass', {
    value: access,
    configurable: true,
    enumerable: false,
    writable: false,
  });
  remember(request, access);
}

/** As `attach`, for a request that takes no members. */
export function remember(request: object, access: Access | undefined): void {
  accesses.set(request, access);
}
