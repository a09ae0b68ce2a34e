'use strict';
/* A module of old habits: its exports are put together when it runs. */
const api = { jobs: {} };
api.jobs.harvest = async (tenants) => tenants.length;
Object.assign(exports, { api });
Object.defineProperty(exports, 'locked', { get: () => () => 1, enumerable: true });
api.where = () => new Error('here').stack.split('\n')[1].replace(/^.*\//, '');
