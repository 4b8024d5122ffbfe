%% The echo server of examples/servers/echo.asm in Erlang: a process for each connection.
-module(echo).
-export([main/1]).

main([Port]) ->
    {ok, Listener} = gen_tcp:listen(list_to_integer(atom_to_list(Port)),
        [binary, {active, false}, {reuseaddr, true}, {nodelay, true}, {backlog, 64}, {ip, {127, 0, 0, 1}}]),
    io:format("listening~n"),
    accept(Listener).

accept(Listener) ->
    {ok, Socket} = gen_tcp:accept(Listener),
    Process = spawn(fun() -> receive go -> serve(Socket) end end),
    ok = gen_tcp:controlling_process(Socket, Process),
    Process ! go,
    accept(Listener).

serve(Socket) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, Data} -> ok = gen_tcp:send(Socket, Data), serve(Socket);
        {error, _} -> gen_tcp:close(Socket)
    end.
