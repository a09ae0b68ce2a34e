/** A class in TypeScript, whose tenant is the client. */
export class Scorer {
  readonly tenant: string;

  constructor(tenant: string) {
    this.tenant = tenant;
  }

  async score(leads: number): Promise<number> {
    await Promise.resolve();
    return leads * 2;
  }
}
