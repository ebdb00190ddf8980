package lab

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"

	"holdfast/lab/channel"
)

// QMP has QEMU execute a command of its machine protocol (set_link, device_del, device_add, query-…) and returns what
// it returned. It works inside the lab only. NIC number i of the host is QEMU's device nic<i>, on the netdev hn<i>
// and behind the bus port<i>.
func QMP(command string, arguments map[string]any) (json.RawMessage, error) {
	connection, err := net.Dial("unix", channel.Socket)
	if err != nil {
		return nil, fmt.Errorf("not inside a lab: %w", err)
	}
	defer connection.Close()
	if err := json.NewEncoder(connection).Encode(channel.Request{Command: command, Arguments: arguments}); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(connection).ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	var reply channel.Reply
	if err := json.Unmarshal(line, &reply); err != nil {
		return nil, err
	}
	if reply.Error != "" {
		return nil, errors.New(reply.Error)
	}
	return reply.Return, nil
}

// PowerCut ends the lab at once, with nothing flushed. It does not return when it works.
func PowerCut() error {
	_, err := QMP(channel.PowerCut, nil)
	return err
}
